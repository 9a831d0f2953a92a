"""Without a service: the status, the advice, and `--start`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command_line import environment, inglenook
from tests.helpers.service import ROOT, running_service


@pytest.mark.parametrize(
    "words",
    [
        ["status"], ["stop"], ["models"], ["load", "m"], ["unload", "m"], ["remove", "m"], ["generate", "a"], ["chat"],
        ["classify", "a"], ["translate", "a"], ["embed", "a"], ["history"],
    ],
)  # fmt: skip
def test_without_a_service_the_status_is_4_and_says_how_to_start_one(words: list[str], folder: Path) -> None:
    done = inglenook(*words, "--data-dir", str(folder))
    assert done.returncode == 4
    assert "inglenook serve" in done.stderr
    assert done.stdout == ""


def test_an_error_is_json_when_that_was_asked_for(folder: Path) -> None:
    done = inglenook("models", "--json", "--data-dir", str(folder))
    assert json.loads(done.stderr)["error"]["code"] == "service_unreachable"


def test_start_starts_a_service_that_outlives_the_command(folder: Path) -> None:
    words = [sys.executable, "-m", "sidecar", "models", "--start", "--json", "--data-dir", str(folder)]
    started = subprocess.run(words, cwd=ROOT, env=environment(INGLENOOK_PORT="0"), capture_output=True, check=False)
    assert started.returncode == 0, started.stderr
    assert inglenook("status", "--data-dir", str(folder)).returncode == 0
    assert inglenook("stop", "--data-dir", str(folder)).returncode == 0
    assert inglenook("status", "--data-dir", str(folder)).returncode == 4


def test_a_service_that_cannot_start_is_reported_with_its_cause(folder: Path) -> None:
    (folder / "config.toml").write_text("port = 'x'\n")
    done = inglenook("models", "--start", "--data-dir", str(folder))
    assert done.returncode == 4
    assert "port" in done.stderr


def test_stop_waits_until_the_service_has_ended(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        assert inglenook("stop", "--data-dir", str(tmp_path)).stdout == "The service has stopped.\n"
        assert service.process.poll() == 0 or service.wait() == 0
