"""`import` and `export`: models that are on this machine already, and models for machines without network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.following import MB, run_job
from sidecar.cli.output import note, say_json, size, table
from sidecar.cli.status import Options
from sidecar.errors import InvalidRequest
from sidecar.types import ExportRequest, Importable, ImportRequest, ModelType


def import_(
    options: Options,
    path: Annotated[
        Path | None,
        typer.Argument(help="A folder, a GGUF file, a bundle, or another program's store.", show_default=False),
    ] = None,
    found: Annotated[
        bool, typer.Option("--found", help="Only list what other programs keep here, or what PATH would bring.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Use the files where they are; do not copy them.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="The model's name here.")] = None,
    model_type: Annotated[ModelType | None, typer.Option("--type", help="What it does, where it can do more.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Of several, this one; may be given more than once. '*' for all.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option(help="What you permit for this model: pickle.")] = None,
    start: Start = False,
) -> None:
    """Import a model that is on this machine already. Ctrl-C stops it and leaves nothing behind."""
    whole = str(path.expanduser().absolute()) if path else None
    if found:
        _say_found(options, ask(options, lambda client: client.found_imports(whole), start=start))
        return
    if whole is None:
        raise InvalidRequest("Name what to import, or list what other programs keep here with --found.")
    request = ImportRequest(
        path=whole,
        name=name,
        model_type=model_type,
        in_place=in_place,
        models=model or None,
        allow=cast("list[Literal['pickle']]", allow or []),  # the service refuses those it does not know
    )
    run_job(options, f"Importing {path}", lambda client: client.import_models(request), start=start)


def export(
    options: Options,
    model: Annotated[str, typer.Argument(help="The model's id.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="The file to write, or a folder for it.", show_default=False)],
    start: Start = False,
) -> None:
    """Write a model into one file, which another machine imports without a network. Ctrl-C stops it."""
    request = ExportRequest(str(file.expanduser().absolute()))
    run_job(options, f"Exporting {model}", lambda client: client.export(model, request), start=start)


def add(app: typer.Typer) -> None:
    command(app, import_, "import")
    command(app, export)


def _say_found(options: Options, found: list[Importable]) -> None:
    if options.as_json:
        say_json(found)
        return
    if not found:
        note("No model of another program was found. Name a folder, a GGUF file or a bundle: inglenook import PATH")
        return
    table(["Model", "Kept by", "Type", "Size", "Here as", "", "Path"], [_row(one) for one in found])


def _row(one: Importable) -> list[object]:
    needs = f"needs --allow {one.permission}" if one.permission else None
    return [one.name, one.source, one.model_type, size(one.bytes / MB), one.model_id, one.problem or needs, one.path]
