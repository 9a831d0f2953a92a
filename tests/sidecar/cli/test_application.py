"""What all commands share: options, help, completion, wrong usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar import __version__
from tests.helpers.command_line import PATIENCE, inglenook, interruptible
from tests.helpers.service import RunningService


def test_the_version() -> None:
    assert inglenook("--version").stdout == f"{__version__}\n"


def test_help_lists_every_command() -> None:
    told = inglenook("--help").stdout
    for name in (
        "serve",
        "status",
        "stop",
        "models",
        "load",
        "unload",
        "generate",
        "chat",
        "classify",
        "translate",
        "embed",
    ):
        assert name in told


def test_no_command_is_wrong_usage() -> None:
    assert inglenook().returncode == 2


@pytest.mark.parametrize(
    "words", [["frobnicate"], ["load"], ["status", "--colour"], ["history", "--limit", "0"], ["serve", "--port", "x"]]
)
def test_wrong_usage_is_2(words: list[str], folder: Path) -> None:
    assert inglenook(*words, "--data-dir", str(folder)).returncode == 2


@pytest.mark.parametrize("before", [True, False])
def test_shared_options_stand_before_or_after_the_command(before: bool, service: RunningService) -> None:
    shared = ["--data-dir", str(service.paths.data_dir), "--json"]
    done = inglenook(*shared, "status") if before else inglenook("status", *shared)
    assert json.loads(done.stdout)["url"] == service.url


def test_serve_takes_them_before_its_name_too(service: RunningService) -> None:
    # In a process of its own: a service takes the collection of garbage there into its hands.
    asked = interruptible(service, "--json", "--data-dir", str(service.paths.data_dir), "serve")
    _, complaint = asked.communicate(timeout=PATIENCE)
    assert asked.returncode == 3
    assert json.loads(complaint)["error"]["details"] == {"url": service.url, "pid": service.process.pid}


def test_completion_knows_the_commands() -> None:
    words = {"COMP_WORDS": "inglenook ser", "COMP_CWORD": "1", "_INGLENOOK_COMPLETE": "complete_bash"}
    assert "serve" in inglenook(**words).stdout.split()
