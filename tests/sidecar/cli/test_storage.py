"""`rm`, `trash`, `du`, `clean` and `move-models` on a real service of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.command_line import Command, command_on
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService, running_service


@pytest.fixture(scope="module")
def storing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("storage")) as service:
        yield service


@pytest.fixture
def command(storing: RunningService) -> Command:
    return command_on(storing)


def test_a_model_is_removed_brought_back_moved_and_deleted(
    command: Command, storing: RunningService, tmp_path: Path
) -> None:
    folder = echo_model(storing.paths.models_dir / "org--echo" / "c1")
    assert command("register", "org/echo", str(folder), "--type", "embedding").returncode == 0
    said = command("rm", "org/echo").stdout
    assert "org/echo is in the trash for 7 days. Bring it back with: inglenook trash --restore " in said
    trash_id = said.split()[-1]
    assert trash_id in command("trash").stdout
    assert command("trash", "--restore", trash_id).stdout == "org/echo is back.\n"
    listed = command("du").stdout
    assert "org/echo" in listed
    assert "free on the disk" in listed
    target = tmp_path / "models"
    assert command("move-models", str(target)).stdout == f"The models are in {target} now.\n"
    assert (target / "org--echo" / "c1" / "config.json").exists()
    assert command("rm", "org/echo", "--forever").stdout.startswith("org/echo is deleted (")
    assert json.loads(command("trash", "--json").stdout) == []


def test_cleaning_says_first_and_deletes_when_agreed(command: Command, storing: RunningService) -> None:
    quarantine = Path(json.loads(command("du", "--json").stdout)["folder"]) / ".quarantine"
    quarantine.mkdir(parents=True)
    (quarantine / "damaged").write_bytes(b"x" * (3 << 20))
    assert "3 MB" in command("clean").stdout
    assert (quarantine / "damaged").exists()
    assert command("clean", "--quarantine", stdin="n\n").returncode == 0
    assert (quarantine / "damaged").exists()
    assert json.loads(command("clean", "--quarantine", "--yes", "--json").stdout)["quarantine_bytes"] == 3 << 20
    assert not (quarantine / "damaged").exists()
