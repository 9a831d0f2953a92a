"""`status`, the models' commands and `history` on the real service."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.command_line import Command
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService


def test_status_says_where_and_how(cli: Command, service: RunningService) -> None:
    told = cli("status").stdout
    assert service.url in told
    assert str(service.process.pid) in told
    assert json.loads(cli("status", "--json").stdout)["health"]["status"] == "healthy"


def test_models_are_listed(cli: Command) -> None:
    assert "org/echo" in cli("models").stdout
    assert {"echo", "org/echo"} <= {model["id"] for model in json.loads(cli("models", "--json").stdout)}


def test_a_model_s_life(cli: Command, tmp_path: Path) -> None:
    path = str(echo_model(tmp_path / "m"))
    assert "is loaded" in cli("register", "org/mine", path, "--type", "embedding").stdout
    assert cli("unload", "org/mine").stdout == "org/mine is unloaded.\n"
    assert json.loads(cli("load", "org/mine", "--json").stdout)["status"] == "loaded"
    assert cli("register", "org/mine", str(echo_model(tmp_path / "other")), "--type", "embedding").returncode == 3
    assert cli("remove", "org/mine").stdout.startswith("org/mine is forgotten; its files in ")
    done = cli("load", "org/mine")
    assert (done.returncode, "org/mine" in done.stderr) == (1, True)


def test_history_is_shown_and_forgotten(cli: Command) -> None:
    cli("translate", "--to", "de", "--model", "translator", "hello")
    assert "translator" in cli("history", "--kind", "translate").stdout
    assert json.loads(cli("history", "--json", "--model", "translator").stdout)["total"] >= 1
    assert json.loads(cli("history", "--delete", "--model", "translator", "--json").stdout)["deleted"] >= 1
    assert json.loads(cli("history", "--json", "--model", "translator").stdout)["total"] == 0


def test_preparing_what_cannot_be_prepared_fails_with_the_reason(cli: Command) -> None:
    done = cli("prepare", "echo")
    assert done.returncode == 1
    assert "cannot be prepared" in done.stderr


def test_jobs_are_listed(cli: Command) -> None:
    assert "Kind" in cli("jobs").stdout
    assert json.loads(cli("jobs", "--json").stdout) == []
