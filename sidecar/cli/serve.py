"""`inglenook serve`: the service itself, in this process.

It reads its words with the standard library: what the other commands use would delay the start by a third.
"""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

import msgspec

from sidecar import certificates
from sidecar.cli.status import Options, reported
from sidecar.config import Configuration
from sidecar.types import Discovery

SUMMARY = "Run the service until Ctrl-C, a signal, or `inglenook stop`."


def main(words: list[str]) -> None:
    """Serve as the words after `inglenook` say, the word `serve` among them. Raises SystemExit."""
    at = words.index("serve")
    given = parser().parse_args([*words[:at], *words[at + 1 :]])
    options = Options(given.data_dir, given.json)
    with reported(options):
        serve(options, given)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("inglenook serve", description=SUMMARY, allow_abbrev=False)
    made.add_argument("--host", help="the address to listen on")
    made.add_argument("--port", type=int, help="the port; 0 takes any free one")
    made.add_argument("--auth", choices=["on", "off"], help="whether a key is required")
    made.add_argument("--config", type=Path, metavar="FILE", help="a settings file to use instead of the usual one")
    made.add_argument("--data-dir", type=Path, metavar="DIR", help="keep everything in this folder")
    made.add_argument("--json", action="store_true", help="say in JSON where the service listens")
    made.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    return made


def serve(options: Options, given: argparse.Namespace) -> None:
    flags = {"host": given.host, "port": given.port, "auth": given.auth}
    config_file = given.config or options.paths.config_file
    configuration = Configuration.load(config_file, flags=flags)

    gc.disable()  # modules stay: to look for garbage among them takes a twentieth of the start
    with certificates.unread():
        from sidecar.server import serve as run_service  # half a second, which a wrong setting does not wait for
    gc.freeze()
    gc.enable()

    run_service(
        configuration,
        options.paths,
        config_file=config_file,
        flags=flags,
        announce=lambda found: announce(options, found),
        until_stdin_closes=given.until_stdin_closes,
    )


def announce(options: Options, found: Discovery) -> None:
    """One line, without the token: output ends up in logs."""
    public = {"url": found.url, "pid": found.pid, "version": found.version}
    line = msgspec.json.encode(public).decode() if options.as_json else f"Inglenook is ready at {found.url}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
