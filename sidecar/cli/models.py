"""`models`, `register`, `load`, `prepare`, `jobs`, `unload`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.following import run_job
from sidecar.cli.output import note, say, say_json, size, table, working
from sidecar.cli.status import Options
from sidecar.errors import InvalidRequest
from sidecar.types import (
    REPETITION,
    Adapter,
    LoadRequest,
    LoadResponse,
    ModelInfo,
    ModelType,
    PrepareRequest,
    RegisterRequest,
    StatusResponse,
)

Name = Annotated[str, typer.Argument(help="The model's id.", show_default=False)]
Device = Annotated[str | None, typer.Option(help="auto, cpu, gpu, cuda:0 …")]
Precision = Literal["auto", "int8", "float32"]
KeepAlive = Annotated[float | None, typer.Option(help="Seconds to stay in memory after the last request.")]


def models(options: Options, start: Start = False) -> None:
    """List the models that are known."""
    found = ask(options, lambda client: client.models(), start=start)
    if options.as_json:
        say_json(found)
        return
    table(["Model", "Type", "State", "Memory", "Size", "Can"], [_row(model) for model in found])


def register(
    options: Options,
    name: Annotated[str, typer.Argument(help="The id to give it.", show_default=False)],
    folder: Annotated[
        Path, typer.Argument(help="The model's folder, or GGUF file, on this machine.", show_default=False)
    ],
    model_type: Annotated[ModelType, typer.Option("--type", help="What it does.")],
    adapter: Annotated[
        list[str] | None,
        typer.Option(help="A LoRA adapter in a GGUF file, FILE or FILE=SCALE. May be repeated.", show_default=False),
    ] = None,
    draft_model: Annotated[
        str | None,
        typer.Option(help="A small GGUF file that proposes tokens, or the word repetition.", show_default=False),
    ] = None,
    use_projector: Annotated[
        bool, typer.Option(help="Whether a GGUF model sees, with the projector beside it.")
    ] = True,
    start: Start = False,
) -> None:
    """Make a model folder or a GGUF file known under a name, and load it. The same again changes what goes beside it."""
    request = RegisterRequest(
        name=name,
        model_type=model_type,
        model_path=str(folder.absolute()),
        adapters=[_adapter(text) for text in adapter or []],
        draft_model=str(Path(draft_model).absolute()) if draft_model not in (None, REPETITION) else draft_model,
        use_projector=use_projector,
    )
    with working(f"Loading {name}"):
        answer = ask(options, lambda client: client.register(request), start=start)
    _say_loaded(options, answer)


def load(
    options: Options, name: Name, device: Device = None, keep_alive: KeepAlive = None, start: Start = False
) -> None:
    """Load a model into memory."""
    request = LoadRequest(device=device, keep_alive=keep_alive)
    with working(f"Loading {name}"):
        answer = ask(options, lambda client: client.load(name, request), start=start)
    _say_loaded(options, answer)


def prepare(
    options: Options,
    name: Name,
    precision: Annotated[Precision, typer.Option(help="int8 is quicker and smaller, float32 exact.")] = "auto",
    start: Start = False,
) -> None:
    """Convert a model for the quicker engine, and compare it with the original. Ctrl-C stops it."""
    request = PrepareRequest(precision=precision)
    run_job(options, f"Preparing {name}", lambda client: client.prepare(name, request), start=start)


def jobs(options: Options) -> None:
    """List the long tasks since the service started."""
    found = ask(options, lambda client: client.jobs())
    if options.as_json:
        say_json(found)
        return
    rows = [[job.id, job.kind, job.model, job.state, f"{job.progress:.0%}", job.message or job.stage] for job in found]
    table(["Job", "Kind", "Model", "State", "Done", ""], rows)


def unload(
    options: Options,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="End the requests that run on it.")] = False,
) -> None:
    """Take a model out of memory."""
    _say_status(options, name, ask(options, lambda client: client.unload(name, force=force)))


def add(app: typer.Typer) -> None:
    for function in (models, register, load, prepare, jobs, unload):
        command(app, function)


def _adapter(text: str) -> Adapter:
    """`FILE` or `FILE=SCALE`. Raises InvalidRequest."""
    file, _, scale = text.rpartition("=")
    if not file or Path(text).exists():
        return Adapter(str(Path(text).absolute()))
    try:
        return Adapter(str(Path(file).absolute()), float(scale))
    except ValueError:
        raise InvalidRequest(f"--adapter {text}: {scale!r} is not a number.") from None


def _row(model: ModelInfo) -> list[object]:
    return [
        model.id,
        model.model_type,
        model.state,
        size(model.memory_usage_mb),
        size(model.size_mb),
        model.capabilities,
    ]


def _say_loaded(options: Options, answer: LoadResponse) -> None:
    if options.as_json:
        say_json(answer)
        return
    for warning in answer.warnings:
        note(warning)
    say(f"{answer.model_id} is loaded ({answer.load_time_ms / 1000:.1f} s).")


def _say_status(options: Options, name: str, answer: StatusResponse) -> None:
    if options.as_json:
        say_json(answer)
    else:
        say(f"{name} is {answer.status}.")
