"""The command line as a whole: its shared options, how a command is declared, and what exit status an error has.

Exit status: 0 done · 1 failed · 2 wrong usage · 3 already running, or in conflict with what is · 4 no service is running ·
130 interrupted.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sidecar import __version__
from sidecar.errors import AlreadyRunning, Conflict, InglenookError, ServiceUnreachable
from sidecar.paths import Paths

FAILED, CONFLICT, NOT_RUNNING, INTERRUPTED = 1, 3, 4, 130
# Each has `add(app)`. Only `serve` is imported to serve: a service does not wait for what draws tables.
SERVE = "sidecar.cli.serve"
COMMANDS = (
    SERVE,
    "sidecar.cli.service",
    "sidecar.cli.models",
    "sidecar.cli.generate",
    "sidecar.cli.chat",
    "sidecar.cli.texts",
    "sidecar.cli.history",
    "sidecar.cli.config",
)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Keep everything in this folder instead of the platform's own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Version = Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")]
Command = Callable[..., Any]


@dataclass(frozen=True)
class Options:
    """What every command takes, before or after its name."""

    data_dir: Path | None = None
    as_json: bool = False

    @property
    def paths(self) -> Paths:
        return Paths.resolve(self.data_dir)


def run(words: list[str]) -> None:
    """Run the command that the words name. Raises SystemExit with its exit status."""
    application(words)(words, prog_name="inglenook")


def application(words: list[str]) -> typer.Typer:
    """The application with the commands that these words can need."""
    app = typer.Typer(
        no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    app.callback(help="Runs AI models on this machine and lends them to every other application here.")(_shared)
    for module in (SERVE,) if command_word(words) == "serve" else COMMANDS:
        import_module(module).add(app)
    return app


def command_word(words: list[str]) -> str | None:
    """The name of the command: the first word that is neither a shared option nor its value."""
    rest = iter(words)
    for word in rest:
        if word == "--data-dir":
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def command(app: typer.Typer, function: Command, name: str | None = None) -> None:
    """Make `function(options, …)` a command. Its other parameters are its arguments; its docstring is its help."""
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("context", keyword, annotation=typer.Context),
        inspect.Parameter("data_dir", keyword, annotation=DataDir, default=None),
        inspect.Parameter("as_json", keyword, annotation=AsJson, default=False),
    ]

    def called(*, context: typer.Context, data_dir: Path | None, as_json: bool, **arguments: Any) -> None:
        before: Options = context.obj
        options = Options(data_dir or before.data_dir, as_json or before.as_json)
        with_status(options, functools.partial(function, options, **arguments))

    parameters = [parameter.replace(kind=keyword) for parameter in own] + shared
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    called.__doc__ = function.__doc__
    app.command(name or function.__name__)(called)


def with_status(options: Options, work: Callable[[], Any]) -> None:
    """Do the work; an error is told on stderr and becomes the exit status."""
    try:
        work()
    except InglenookError as error:
        tell(options, error)
        raise typer.Exit(status_of(error)) from error
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what reads our output has left: say no more
        raise typer.Exit(FAILED) from None


def status_of(error: InglenookError) -> int:
    if isinstance(error, AlreadyRunning | Conflict):
        return CONFLICT
    return NOT_RUNNING if isinstance(error, ServiceUnreachable) else FAILED


def tell(options: Options, error: InglenookError) -> None:
    """One line on stderr, in JSON if that was asked for."""
    text = msgspec.json.encode({"error": error.to_wire()}, enc_hook=str).decode() if options.as_json else error.message
    typer.echo(text, err=True)


def _shared(
    context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, version: Version = False
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    context.obj = Options(data_dir, as_json)
