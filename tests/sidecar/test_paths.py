"""Where things are: one folder when asked, else the platform's."""

from pathlib import Path

import pytest

from sidecar.paths import DATA_DIR_VARIABLE, Paths, resources_dir


def test_one_folder_holds_everything(tmp_path: Path) -> None:
    paths = Paths.resolve(tmp_path / "d")
    for name in (
        "config_file",
        "database",
        "conversations",
        "models_dir",
        "runtime_file",
        "lock_file",
        "log_dir",
        "window_settings",
    ):
        assert (tmp_path / "d") in getattr(paths, name).parents
    assert paths.runtime_file == tmp_path / "d" / "runtime.json"
    assert paths.models_dir == tmp_path / "d" / "models"


def test_the_variable_names_the_folder_and_the_argument_beats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "variable"))
    assert Paths.resolve().data_dir == tmp_path / "variable"
    assert Paths.resolve(tmp_path / "argument").data_dir == tmp_path / "argument"


def test_a_relative_folder_is_made_absolute_so_that_other_processes_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = Paths.resolve("here")
    assert paths.data_dir == tmp_path / "here"
    assert paths.as_argument() == ["--data-dir", str(tmp_path / "here")]


def test_without_either_the_platform_decides_and_nothing_needs_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    paths = Paths.resolve()
    assert tmp_path in paths.data_dir.parents
    assert tmp_path in paths.runtime_dir.parents
    assert paths.as_argument() == []


def test_creating_makes_every_folder(tmp_path: Path) -> None:
    paths = Paths.resolve(tmp_path / "deep" / "er")
    paths.create()
    paths.create()
    assert paths.log_dir.is_dir()


def test_the_resources_come_with_the_application() -> None:
    assert (resources_dir() / "icons").is_dir()
