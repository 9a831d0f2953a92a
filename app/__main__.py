"""The window's command line: `inglenook-app`, `python -m app`.

It decides only what runs: the window, or, where there is no display, the service in this process's place.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from sidecar import __version__, certificates
from sidecar.paths import Paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the window and return its exit status."""
    options = _parser().parse_args(arguments)
    paths = Paths.resolve(options.data_dir)
    if not has_display(sys.platform, os.environ):
        return serve_instead(paths)
    with certificates.unread():
        from app.application import run

    return run(paths, theme_name=options.theme, hidden=options.background)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("inglenook-app", description="The Inglenook window.")
    parser.add_argument("--data-dir", metavar="FOLDER", help="keep everything in this folder (a portable installation)")
    parser.add_argument("--theme", choices=("light", "dark", "system"), help="use this theme, this time only")
    parser.add_argument("--background", action="store_true", help="start hidden, in the tray where there is one")
    parser.add_argument("--version", action="version", version=f"Inglenook {__version__}")
    return parser


def has_display(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether a window can be shown. QT_QPA_PLATFORM counts: somebody chose where Qt draws."""
    if platform != "linux":
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def serve_instead(paths: Paths) -> int:
    """Become the service, which prints its address. Returns only on failure to start it, by OSError."""
    from app.running_service import service_command

    sys.stderr.write("There is no display, so no window can be shown; the service runs here instead.\n")
    sys.stderr.flush()
    command = service_command(paths)
    os.execv(command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
