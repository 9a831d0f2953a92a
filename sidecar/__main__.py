"""The first module to run: a worker process, or the command line.

A worker is dispatched before anything else is imported, so that it starts without paying for the service's libraries.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run what the command line names and return the exit status."""
    if sys.argv[1:2] == ["worker"]:
        from sidecar.worker.main import main as worker

        return worker(sys.argv[2:])
    from sidecar.cli.application import run

    run(sys.argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
