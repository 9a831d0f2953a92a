"""How a command is declared: a function of the shared options and its own arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sidecar.cli.status import Options, reported

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Keep everything in this folder instead of the platform's own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def command(app: typer.Typer, function: Callable[..., None], name: str | None = None) -> None:
    """Make `function(options, …)` a command. Its other parameters are its arguments; its docstring is its help."""
    signature = inspect.signature(function, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = list(signature.parameters.values())[1:]
    shared = [
        inspect.Parameter("context", keyword, annotation=typer.Context),
        inspect.Parameter("data_dir", keyword, annotation=DataDir, default=None),
        inspect.Parameter("as_json", keyword, annotation=AsJson, default=False),
    ]

    def called(*, context: typer.Context, data_dir: Path | None, as_json: bool, **arguments: Any) -> None:
        before: Options = context.obj
        options = Options(data_dir or before.data_dir, as_json or before.as_json)
        with reported(options):
            function(options, **arguments)

    parameters = [parameter.replace(kind=keyword) for parameter in own] + shared
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    called.__doc__ = function.__doc__
    app.command(name or function.__name__)(called)
