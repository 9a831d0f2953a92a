"""The command line: within this process, which is quick, or as one of its own, which can be interrupted."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from unittest import mock

from sidecar.__main__ import main
from tests.helpers.service import ROOT, RunningService

PATIENCE = 120
Command = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("INGLENOOK_", "MODEL_SERVICE_"))}
    return kept | {"INGLENOOK_SPARE_WORKER": "false", "INGLENOOK_CALIBRATE": "false", "NO_COLOR": "1"} | more


def inglenook(*words: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end within this process; `more` goes into its environment."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["inglenook", *words]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        mock.patch.dict(os.environ, environment(**more), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        return subprocess.CompletedProcess(words, _status(), out.getvalue(), err.getvalue())


def command_on(service: RunningService) -> Command:
    """`inglenook` with that service: `command("status", "--json")`."""
    return functools.partial(inglenook, INGLENOOK_DATA_DIR=str(service.paths.data_dir))


def _status() -> int:
    try:
        return main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0


def interruptible(service: RunningService, *words: str) -> subprocess.Popen[bytes]:
    """A command as a process of its own, on the service, with pipes for its three streams."""
    return subprocess.Popen(
        [sys.executable, "-m", "sidecar", *words],
        cwd=ROOT,
        env=environment(INGLENOOK_DATA_DIR=str(service.paths.data_dir)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def idle(service: RunningService, model: str) -> bool:
    """Whether soon no request runs on the model any more."""
    deadline, command = time.monotonic() + PATIENCE, command_on(service)
    while time.monotonic() < deadline:
        listed = command("models", "--json")
        if not next(row for row in json.loads(listed.stdout) if row["id"] == model)["active_requests"]:
            return True
    return False
