"""`config`, with and without a running service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.config import Settings
from tests.helpers.command_line import Command, inglenook
from tests.helpers.service import RunningService


def test_config_alone_says_where_things_lie(folder: Path) -> None:
    done = inglenook("config", "--data-dir", str(folder), "--json")
    found = {name: Path(place) for name, place in json.loads(done.stdout).items()}
    assert found["settings"] == folder / "config.toml"
    assert found["discovery"] == folder / "runtime.json"
    assert {found["chats"].parent, found["database"].parent, found["logs"].parent} == {folder}
    told = inglenook("config", "--data-dir", str(folder)).stdout
    assert all(str(place) in told for place in found.values())


def test_config_alone_names_the_models_folder_of_the_settings(folder: Path) -> None:
    inglenook("config", "set", "models_dir", str(folder / "elsewhere"), "--data-dir", str(folder))
    assert str(folder / "elsewhere") in inglenook("config", "--data-dir", str(folder)).stdout


def test_config_lists_every_setting_with_its_description(cli: Command) -> None:
    rows = json.loads(cli("config", "list", "--json").stdout)
    assert [row["key"] for row in rows] == list(Settings.__struct_fields__)
    assert "Requests that may wait" in cli("config", "list").stdout


def test_config_without_a_service_writes_the_file(folder: Path) -> None:
    place = ["--data-dir", str(folder)]
    assert inglenook("config", "set", "queue_limit", "9", *place).returncode == 0
    assert inglenook("config", "get", "queue_limit", *place).stdout == "9\n"
    assert "queue_limit = 9" in (folder / "config.toml").read_text()
    assert inglenook("config", "unset", "queue_limit", *place).returncode == 0
    assert inglenook("config", "get", "queue_limit", *place).stdout == "256\n"


def test_config_with_a_service_applies_at_once(cli: Command, service: RunningService) -> None:
    assert cli("config", "set", "keep_alive_s", "12.5").stdout == "keep_alive_s is 12.5.\n"
    assert "keep_alive_s = 12.5" in service.paths.config_file.read_text("utf-8")
    assert json.loads(cli("config", "unset", "keep_alive_s", "--json").stdout)["value"] == 300


def test_config_says_when_a_change_waits_for_the_next_start(cli: Command) -> None:
    assert "next time" in cli("config", "set", "port", "8123").stderr
    cli("config", "unset", "port")


@pytest.mark.parametrize(
    ("key", "value"),
    [("colour", "red"), ("queue_limit", "0"), ("queue_limit", "many"), ("auth", "maybe"), ("host", "10.0.0.999")],
)
@pytest.mark.parametrize("running", [True, False])
def test_a_wrong_setting_is_refused_by_name(key: str, value: str, running: bool, cli: Command, folder: Path) -> None:
    words = ["config", "set", key, value]
    done = cli(*words) if running else inglenook(*words, "--data-dir", str(folder))
    assert done.returncode == 1
    assert key in done.stderr
