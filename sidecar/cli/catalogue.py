"""`recommend` and `search`: which models could be fetched, and which of them suit this machine."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.output import note, say, say_json, table
from sidecar.cli.status import Options
from sidecar.types import CatalogueEntry, CatalogueQuery, ModelType, Suitability

VERDICTS = {"fits": "fits", "tight": "tight", "too_large": "does not fit", "unknown": "not known"}
MB, GB = 1e6, 1e9


def recommend(options: Options, start: Start = False) -> None:
    """Name the one model for each task that suits this machine best, and say why."""
    found = ask(options, lambda client: client.recommended(), start=start)
    if options.as_json:
        say_json(found)
        return
    for one in found:
        variant = f" ({one.variant})" if one.variant else ""
        say(f"{one.task.replace('_', ' ')}: {one.entry.id}{variant}\n  {one.reason}")
    advise_measuring([one.entry.suitability for one in found])


def search(
    options: Options,
    words: Annotated[list[str] | None, typer.Argument(help="Words to look for.", show_default=False)] = None,
    task: Annotated[ModelType | None, typer.Option(help="Only models that do this.")] = None,
    library: Annotated[
        Literal["transformers", "gguf"] | None, typer.Option(help="Only models for this kind of engine.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Only models under this licence, such as apache-2.0.")] = None,
    fits: Annotated[bool, typer.Option("--fits", help="Only what fits this machine.")] = False,
    largest_mb: Annotated[int, typer.Option(min=0, help="Only downloads up to so many MB; 0 does not limit.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    start: Start = False,
) -> None:
    """Find models that could be fetched, with how they suit this machine."""
    query = CatalogueQuery(
        query=" ".join(words or []), task=task, library=library, licence=licence, fits=fits, largest_mb=largest_mb,
        limit=limit,
    )  # fmt: skip
    page = ask(options, lambda client: client.catalogue(query), start=start)
    if options.as_json:
        say_json(page)
        return
    table(["Model", "Task", "Size", "Licence", "Here", "Speed", "Installed"], [_row(entry) for entry in page.entries])
    advise_measuring([entry.suitability for entry in page.entries])
    if page.notice:
        note(page.notice)
    if not page.entries:
        note("Nothing matches.")
    if page.total > len(page.entries):
        note(f"{page.total - len(page.entries)} more match; narrow the search, or raise --limit.")


def add(app: typer.Typer) -> None:
    command(app, recommend)
    command(app, search)


def speed(suits: Suitability) -> str | None:
    """In the unit that fits the task."""
    if suits.texts_per_second:
        return f"{suits.texts_per_second.expected:.3g} texts/s"
    return f"{suits.tokens_per_second.expected:.3g} tokens/s" if suits.tokens_per_second else None


def advise_measuring(suits: list[Suitability]) -> None:
    """Where no speed is known, how to make it known."""
    if suits and not any(map(speed, suits)):
        note("How quick they are is known once this machine was measured: inglenook system --calibrate")


def download_size(count: float | None) -> str | None:
    """In the units that the hub shows: powers of ten."""
    if count is None:
        return None
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / MB:.0f} MB"


def _row(entry: CatalogueEntry) -> list[object]:
    return [
        entry.id,
        entry.task,
        download_size(entry.bytes),
        entry.licence,
        VERDICTS[entry.suitability.verdict],
        speed(entry.suitability),
        "yes" if entry.installed else None,
    ]
