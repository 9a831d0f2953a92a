"""`rm`, `trash`, `du`, `clean`, `move-models`: what lies on the disk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from sidecar.cli.connection import ask
from sidecar.cli.declaring import command
from sidecar.cli.following import run_job
from sidecar.cli.output import say, say_json, size, table
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.errors import InvalidRequest
from sidecar.types import Cleaned, CleanRequest, RemovedModel, StorageInfo, StoredModel

MB = 1 << 20
DAY = 24 * 3600.0


def rm(
    options: Options,
    model: Annotated[str, typer.Argument(help="The model's id.", show_default=False)],
    forever: Annotated[bool, typer.Option("--forever", help="Delete it at once; it cannot be brought back.")] = False,
) -> None:
    """Move a model to the trash. Files that are not Inglenook's, or that another model needs, stay."""

    async def work(client: Client) -> RemovedModel:
        removed = await client.remove(model)
        if forever:
            await client.delete_trashed(removed.trash_id)
        return removed

    removed = ask(options, work)
    if options.as_json:
        say_json(removed)
    elif forever:
        say(f"{model} is deleted ({_size(removed.bytes)}).")
    else:
        say(f"{removed.message} Bring it back with: inglenook trash --restore {removed.trash_id}")


def trash(
    options: Options,
    restore: Annotated[str | None, typer.Option(help="Bring this one back.", show_default=False)] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Delete all of it for good.")] = False,
) -> None:
    """List the removed models; or bring one back, or delete all for good."""
    if restore and empty:
        raise InvalidRequest(reason="--restore and --empty exclude each other")
    if restore:
        model = ask(options, lambda client: client.restore(restore))
        say_json(model) if options.as_json else say(f"{model.id} is back.")
        return
    if empty:
        deleted = ask(options, lambda client: client.empty_trash())
        say_json(deleted) if options.as_json else say(f"{_size(deleted.deleted)} are free again.")
        return
    found = ask(options, lambda client: client.trash())
    if options.as_json:
        say_json(found)
        return
    rows = [[one.id, one.model, _size(one.bytes), _day(one.deleted_at), _day(one.expires_at)] for one in found]
    table(["Id", "Model", "Size", "Removed", "Until"], rows)


def du(
    options: Options,
    unused_days: Annotated[int, typer.Option(help="Only models that were not used for so many days.")] = 0,
) -> None:
    """Say what takes space, what was not used for longest first."""
    info = ask(options, lambda client: client.storage())
    before = time.time() - unused_days * DAY
    info.models = [model for model in info.models if (model.last_used_at or model.created_at) <= before]
    if options.as_json:
        say_json(info)
        return
    table(["Model", "Size", "Shared", "Deleting frees", "Last used", "Kept"], [_row(model) for model in info.models])
    say("")
    table(["What", "Size"], _sums(info))


def clean(
    options: Options,
    partial: Annotated[
        bool, typer.Option("--partial", help="What has arrived of downloads and imports that are gone.")
    ] = False,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Damaged files that were set aside.")] = False,
    derived: Annotated[bool, typer.Option("--derived", help="What was made of models that are gone.")] = False,
    emptied: Annotated[bool, typer.Option("--trash", help="Removed models, for good.")] = False,
    model: Annotated[list[str] | None, typer.Option(help="Move this model to the trash; may be repeated.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete what is named, after saying how much it is. Without options only say it."""
    named = partial or quarantine or derived or emptied or bool(model)
    request = CleanRequest(
        partial=partial or not named,
        quarantine=quarantine or not named,
        derived=derived or not named,
        trash=emptied or not named,
        models=model or [],
        dry_run=True,
    )
    found = ask(options, lambda client: client.clean(request))
    if named and (yes or options.as_json or _agreed(found)):
        request.dry_run = False
        found = ask(options, lambda client: client.clean(request))
    if options.as_json:
        say_json(found)
    else:
        _say_cleaned(found)


def move_models(
    options: Options,
    folder: Annotated[Path, typer.Argument(help="An empty folder, or a new one.", show_default=False)],
) -> None:
    """Move the models folder to another place; models keep answering meanwhile. Ctrl-C stops it, and all stays as it was."""
    target = str(folder.expanduser().absolute())
    run_job(options, "Moving", lambda client: client.move_models(target))


def add(app: typer.Typer) -> None:
    for function in (du, trash, clean):
        command(app, function)
    command(app, rm)
    command(app, rm, "remove")
    command(app, move_models, "move-models")


def _agreed(found: Cleaned) -> bool:
    with_undo = f" {_size(found.trashed_bytes)} go to the trash." if found.trashed_bytes else ""
    return typer.confirm(f"{_size(found.freed_bytes)} are deleted for good.{with_undo} Go on?")


def _say_cleaned(found: Cleaned) -> None:
    rows = [
        ["parts of downloads and imports that are gone", _size(found.partial_bytes)],
        ["quarantine", _size(found.quarantine_bytes)],
        ["made of models that are gone", _size(found.derived_bytes)],
        ["trash", _size(found.trash_bytes)],
        ["models, to the trash", _size(found.trashed_bytes)],
    ]
    table(["Could be deleted" if found.dry_run else "Deleted", "Size"], rows)


def _sums(info: StorageInfo) -> list[list[object]]:
    return [
        ["made of models", _size(info.derived_bytes)],
        ["downloads and imports on their way", _size(info.partial_bytes)],
        ["trash", _size(info.trash_bytes)],
        ["quarantine", _size(info.quarantine_bytes)],
        [f"free on the disk of {info.folder}", _size(info.free_bytes)],
    ]


def _row(model: StoredModel) -> list[object]:
    used = _day(model.last_used_at) if model.last_used_at else "never"
    shared = _size(model.shared_bytes) if model.shared_bytes else None
    return [model.id, _size(model.bytes), shared, _size(model.freed_bytes), used, model.origin.replace("_", " ")]


def _size(count: int) -> str:
    return size(count / MB)


def _day(at: float | None) -> str | None:
    return time.strftime("%Y-%m-%d", time.localtime(at)) if at is not None else None
