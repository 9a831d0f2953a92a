"""`inglenook serve`: the service itself, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sidecar.cli.application import Options, command
from sidecar.types import Discovery


def serve(
    options: Options,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes any free one.")] = None,
    auth: Annotated[Literal["on", "off"] | None, typer.Option(help="Whether a key is required.")] = None,
    config: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Use this settings file instead of the usual one.")
    ] = None,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="End when standard input does.")
    ] = False,
) -> None:
    """Run the service until Ctrl-C, a signal, or `inglenook stop`."""
    from sidecar.config import Configuration
    from sidecar.server import serve as run_service

    flags = {"host": host, "port": port, "auth": auth}
    config_file = config or options.paths.config_file
    run_service(
        Configuration.load(config_file, flags=flags),
        options.paths,
        config_file=config_file,
        flags=flags,
        announce=lambda found: _announce(options, found),
        until_stdin_closes=until_stdin_closes,
    )


def add(app: typer.Typer) -> None:
    command(app, serve)


def _announce(options: Options, found: Discovery) -> None:
    """One line, without the token: output ends up in logs."""
    if options.as_json:
        import msgspec

        typer.echo(msgspec.json.encode({"url": found.url, "pid": found.pid, "version": found.version}).decode())
    else:
        typer.echo(f"Inglenook is ready at {found.url}")
