"""The settings table: which layer wins, and what a wrong value says."""

from pathlib import Path

import pytest

from sidecar.config import OLDER_NAMES, PREFIX, Configuration, Settings, check_changes, parse, write_file
from sidecar.errors import InvalidRequest


def load(file: Path, environment: dict[str, str] | None = None, **flags: object) -> Configuration:
    return Configuration.load(file, environment or {}, flags)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    configuration = load(tmp_path / "config.toml")
    assert configuration.settings == Settings()
    assert set(configuration.sources.values()) == {"default"}


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("port = 1\nqueue_limit = 2\nmax_sequences = 3\n")
    configuration = load(file, {"INGLENOOK_PORT": "10", "INGLENOOK_QUEUE_LIMIT": "20"}, port=100)
    settings = configuration.settings
    assert (settings.port, settings.queue_limit, settings.max_sequences, settings.batch_tokens) == (100, 20, 3, 4096)
    assert configuration.sources["port"] == "flag"
    assert configuration.sources["queue_limit"] == "environment"
    assert configuration.sources["max_sequences"] == "file"
    assert configuration.sources["batch_tokens"] == "default"


@pytest.mark.parametrize(("older", "key"), OLDER_NAMES.items())
def test_older_environment_names_are_accepted(older: str, key: str, tmp_path: Path) -> None:
    value = "7" if key != "models_dir" else "/srv/models"
    assert str(getattr(load(tmp_path / "none", {older: value}).settings, key)) == value


def test_our_own_name_beats_the_older_one(tmp_path: Path) -> None:
    environment = {"MODEL_SERVICE_PORT": "1", "INGLENOOK_PORT": "2"}
    assert load(tmp_path / "none", environment).settings.port == 2


def test_lists_in_the_environment_are_comma_separated(tmp_path: Path) -> None:
    environment = {"INGLENOOK_ALLOWED_ORIGINS": "https://a.example, https://b.example"}
    assert load(tmp_path / "none", environment).settings.allowed_origins == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("port = 'x'", "port"),
        ("port = 70000", "port"),
        ("prot = 1", "prot"),
        ("port = ", "TOML"),
        ("auth = 'maybe'", "auth"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_file_and_key(content: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(InvalidRequest) as caught:
        load(file)
    assert str(file) in caught.value.message
    assert named in caught.value.message


def test_a_wrong_variable_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="INGLENOOK_PORT"):
        load(tmp_path / "none", {"INGLENOOK_PORT": "many"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"max_loaded_models": 0}, "max_loaded_models must be a whole number from 1 to 1000, not 0"),
        ({"stall_timeout_s": 0.5}, "stall_timeout_s must be a number of at least 1, not 0.5"),
        ({"auth": "maybe"}, 'auth must be one of off, on, not "maybe"'),
        ({"history": 3}, "history must be true or false, not 3"),
        ({"allowed_hosts": "a"}, 'allowed_hosts must be a list of texts, not "a"'),
        ({"models_dir": 1}, "models_dir must be a text, not 1"),
        ({"port": -1, "history_days": "x"}, 'history_days must be a whole number of at least 0, not "x"'),
    ],
)
def test_a_wrong_value_is_told_in_words_a_person_understands(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_changes(changes)
    assert told in caught.value.message


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="colour"):
        parse("colour", "red", "the command line")


@pytest.mark.parametrize("text", ["true", "1", "false", "0"])
def test_booleans_are_read_from_text(text: str) -> None:
    assert parse("history", text, PREFIX + "HISTORY") is (text in {"true", "1"})


def test_writing_keeps_comments_and_removes_on_none(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\nport = 9000  # why\nqueue_limit = 5\n")
    write_file(file, {"queue_limit": None, "max_sequences": 2})
    assert "# mine" in file.read_text()
    assert "# why" in file.read_text()
    settings = load(file).settings
    assert (settings.port, settings.queue_limit, settings.max_sequences) == (9000, Settings().queue_limit, 2)


def test_a_wrong_change_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("port = 9000\n")
    with pytest.raises(InvalidRequest):
        write_file(file, {"port": -1})
    assert file.read_text() == "port = 9000\n"


def test_the_table_explains_every_setting(tmp_path: Path) -> None:
    rows = load(tmp_path / "none").table()
    assert [row.key for row in rows] == list(Settings.__struct_fields__)
    assert all(row.description.endswith((".", "%.")) for row in rows)
    port = next(row for row in rows if row.key == "port")
    assert (port.type, port.minimum, port.maximum, port.section, port.restart) == ("int", 0, 65535, "Service", True)
    auth = next(row for row in rows if row.key == "auth")
    assert (auth.type, auth.choices) == ("choice", ["off", "on"])
