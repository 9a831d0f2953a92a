"""`system` and `predict`: what this machine is and can do, and what a model would take on it."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.models import Name
from sidecar.cli.output import note, say, say_json, size, table, working
from sidecar.cli.status import Options
from sidecar.types import Calibration, PredictRequest, PredictResponse, Range, SystemInfo


def system(
    options: Options,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Measure the machine first; takes seconds.")] = False,
    start: Start = False,
) -> None:
    """Show what this machine is, has, and was measured to do."""
    if calibrate:
        with working("Measuring this machine"):
            ask(options, lambda client: client.calibrate(), start=start)
    found = ask(options, lambda client: client.system(), start=start)
    if options.as_json:
        say_json(found)
        return
    table(["", ""], _about_machine(found))
    if found.calibration is None:
        note(found.calibration_reason or "This machine has not been measured yet.")
        note("Measure it now, in some seconds: inglenook system --calibrate")
    else:
        table(["Measured", ""], _about_profile(found.calibration))


def predict(
    options: Options,
    name: Name,
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens of the prompt, or of one text.")] = 128,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Tokens of the answer.")] = 128,
    texts: Annotated[int, typer.Option(min=1, help="Texts in one request.")] = 1,
    start: Start = False,
) -> None:
    """Say what a model would take on this machine, beside what it really took. Loads nothing."""
    request = PredictRequest(prompt_tokens, max_new_tokens, texts)
    found = ask(options, lambda client: client.predict(name, request), start=start)
    if options.as_json:
        say_json(found)
        return
    if rows := _rows(found):
        table(["", "Expected", "From", "To", "Measured"], rows)
    say(_fit(found))
    for sentence in found.prediction.limits if found.prediction else [found.reason or ""]:
        say(sentence)


def add(app: typer.Typer) -> None:
    command(app, system)
    command(app, predict)


def _about_machine(found: SystemInfo) -> list[list[object]]:
    return [
        ["Processor", f"{found.processor}, {found.physical_cores} cores"],
        ["Memory", f"{size(found.memory_total_mb)}, {size(found.memory_available_mb)} free"],
        ["For models", size(found.memory_limit_mb)],
        ["Disk", f"{size(found.disk_free_mb)} free of {size(found.disk_total_mb)}"],
        ["GPU", found.gpu],
        ["System", f"{found.platform}, Python {found.python}"],
    ]


def _about_profile(profile: Calibration) -> list[list[object]]:
    rates: list[list[object]] = [
        [f"{rate.precision}, {rate.rows} rows", f"{rate.gflops:.0f} GFLOP/s"] for rate in profile.gemm
    ]
    return [
        ["When", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(profile.measured_at))],
        ["With", f"{profile.library}, {profile.threads} threads"],
        ["Memory read", f"{profile.memory_gb_s:.1f} GB/s"],
        *rates,
        ["One operation", f"{profile.operation_us:.1f} µs"],
        ["Process start", f"{profile.start_s:.1f} s"],
        ["File, from disk", None if profile.disk_mb_s is None else f"{profile.disk_mb_s:.0f} MB/s"],
        ["File, from memory", None if profile.cached_mb_s is None else f"{profile.cached_mb_s:.0f} MB/s"],
        ["Fresh memory", None if profile.fresh_mb_s is None else f"{profile.fresh_mb_s:.0f} MB/s"],
    ]


def _rows(found: PredictResponse) -> list[list[object]]:
    expected, seen = found.prediction, found.measured
    rows: list[tuple[str, str, Range | None, float | None]] = [
        ("Load", "s", expected.load_s if expected else None, seen.load_s),
        ("Memory", "MB", expected.memory_mb if expected else None, seen.memory_mb),
        ("First token", "s", expected.first_token_s if expected else None, seen.first_token_s),
        ("Speed", "tokens/s", expected.tokens_per_second if expected else None, seen.tokens_per_second),
        ("Speed", "texts/s", expected.texts_per_second if expected else None, seen.texts_per_second),
        ("Whole request", "s", expected.total_s if expected else None, None),
    ]
    return [_row(*row) for row in rows if row[2] is not None or row[3] is not None]


def _row(what: str, unit: str, expected: Range | None, measured: float | None) -> list[object]:
    figures = [expected.expected, expected.low, expected.high] if expected else [None, None, None]
    return [what, *(None if figure is None else f"{figure:.3g} {unit}" for figure in [*figures, measured])]


def _fit(found: PredictResponse) -> str:
    fit = found.fit
    needed, free, limit = size(fit.needed_mb), size(fit.free_mb), size(fit.limit_mb)
    return {
        "fits": f"It fits: it needs at most {needed} while it is loaded, and {free} can be used.",
        "after_unloading": f"It fits once other models are unloaded: it needs up to {needed}, and {free} can be used now.",
        "too_large": f"It does not fit: it needs up to {needed}; models may use {limit}, and {free} can be used now.",
    }[fit.verdict]
