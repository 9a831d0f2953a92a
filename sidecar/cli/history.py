"""`history`: what was asked of the models and how it went."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from sidecar.cli.connection import ask
from sidecar.cli.declaring import command
from sidecar.cli.output import say, say_json, table
from sidecar.cli.status import Options
from sidecar.types import HistoryEntry


def history(
    options: Options,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only generate, classify, translate or embed.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only what failed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many entries.")] = 20,
    delete: Annotated[
        bool, typer.Option("--delete", help="Forget the whole history, or what the filters name.")
    ] = False,
) -> None:
    """Show the latest requests, newest first, or forget them."""
    if delete:
        deleted = ask(options, lambda client: client.delete_history(model=model, kind=kind, errors=errors or None))
        say_json(deleted) if options.as_json else say(f"{deleted.deleted} entries are forgotten.")
        return
    page = ask(options, lambda client: client.history(model=model, kind=kind, errors=errors or None, limit=limit))
    if options.as_json:
        say_json(page)
        return
    columns = ["Time", "Model", "Kind", "Key", "Outcome", "In", "Out", "Took"]
    table(columns, [_row(entry) for entry in page.entries])
    if page.total > len(page.entries):
        say(f"{len(page.entries)} of {page.total}")


def add(app: typer.Typer) -> None:
    command(app, history)


def _row(entry: HistoryEntry) -> list[object]:
    return [
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.time)),
        entry.model,
        entry.kind,
        entry.key,
        entry.error_code or entry.outcome,
        entry.prompt_tokens,
        entry.completion_tokens,
        f"{entry.total_ms:.0f} ms",
    ]
