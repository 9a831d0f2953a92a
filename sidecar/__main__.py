"""The first module to run: a worker process, or the command line.

Each imports only what it needs: a worker does not pay for the service's libraries, nor the service for those that draw
tables.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run what the command line names and return the exit status."""
    if sys.argv[1:2] == ["worker"]:
        from sidecar.worker.main import main as worker

        return worker(sys.argv[2:])
    from sidecar.cli.status import command_word

    if command_word(sys.argv[1:]) == "serve":
        from sidecar.cli.serve import main as command
    else:
        from sidecar.cli.application import main as command
    command(sys.argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
