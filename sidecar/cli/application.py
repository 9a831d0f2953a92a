"""The command line as a whole: which commands there are."""

from __future__ import annotations

from typing import Annotated

import typer

from sidecar import __version__
from sidecar.cli import (
    catalogue,
    chat,
    config,
    downloads,
    generate,
    history,
    imports,
    lightweight,
    machine,
    models,
    serve,
    service,
    storage,
    texts,
)
from sidecar.cli.declaring import AsJson, DataDir
from sidecar.cli.status import Options


def show_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", is_eager=True, callback=show_version, help="Print the version.")]


def main(words: list[str]) -> None:
    """Run the command that the words name. Raises SystemExit with its exit status."""
    application()(words, prog_name="inglenook")


def application() -> typer.Typer:
    """The application with every command."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Runs AI models on this machine and lends them to every other application here.",
        epilog="Exit status: 0 done, 1 failed, 2 wrong usage, 3 already running or in conflict, 4 no service is running,"
        " 130 interrupted.",
    )
    app.callback()(shared)
    app.command("serve", help=serve.SUMMARY)(_elsewhere)
    for module in (
        service,
        machine,
        catalogue,
        lightweight,
        models,
        downloads,
        imports,
        storage,
        generate,
        chat,
        texts,
        history,
        config,
    ):
        module.add(app)
    return app


def shared(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, version: Version = False) -> None:
    """Options that may stand before or after the command."""
    context.obj = Options(data_dir, as_json)


def _elsewhere() -> None:
    """`serve` stands here to be listed and completed; sidecar.__main__ runs it before this module is imported."""
