from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sidecar.errors import Conflict, EnvironmentFault, InvalidRequest
from sidecar.hub import hashing
from sidecar.hub.stopping import Stopped
from sidecar.storage import moving
from sidecar.storage.moving import Copying


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A models folder with what such folders have: contents with two names, links inwards and outwards, locks."""
    folder = tmp_path / "old"
    (folder / "org" / "c").mkdir(parents=True)
    (folder / ".partial").mkdir()
    (tmp_path / "outside").write_bytes(b"outside")
    (folder / "org" / "c" / "weights").write_bytes(b"w" * 5000)
    os.utime(folder / "org" / "c" / "weights", (1, 1))
    os.link(folder / "org" / "c" / "weights", folder / ".partial" / "second")
    (folder / "org" / "c" / "inwards").symlink_to(folder / "org" / "c" / "weights")
    (folder / "org" / "c" / "outwards").symlink_to("../../../outside")
    (folder / ".partial" / "x.lock").write_bytes(b"")
    return folder


def nothing(*_: object) -> None:
    """Neither stops nor tells."""


def test_everything_is_copied_as_it_is(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    told: list[float] = []
    Copying(source, target, nothing, lambda file, done: told.append(done)).run()
    copy = target / "org" / "c"
    assert (copy / "weights").read_bytes() == b"w" * 5000
    assert (copy / "weights").stat().st_mtime == 1
    assert (copy / "weights").stat().st_ino == (target / ".partial" / "second").stat().st_ino
    assert (copy / "inwards").readlink() == copy / "weights"
    assert (copy / "outwards").read_bytes() == b"outside"
    assert not (target / ".partial" / "x.lock").exists()
    assert told == sorted(told)
    assert told[-1] > 0.9


def test_the_old_folder_is_emptied_of_what_the_new_one_has_and_of_nothing_else(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    Copying(source, target, nothing, nothing).run()
    (source / "org" / "late").write_bytes(b"came meanwhile")
    (source / "org" / "c" / "weights").write_bytes(b"other" * 1000)
    assert moving.empty(source, target) == 3
    assert sorted(file.name for file in source.rglob("*") if file.is_file()) == ["late", "second", "weights"]
    assert (tmp_path / "outside").exists()


def test_a_copy_that_was_stopped_goes_on_and_one_that_is_given_up_leaves_nothing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    (source / "org" / "a").write_bytes(b"a" * 3000)
    done: list[str] = []

    def stop() -> None:
        if len(done) >= 1:
            raise Stopped

    with pytest.raises(Stopped):
        Copying(source, target, stop, lambda file, _: done.append(file)).run()
    assert (target / ".partial" / "second").exists() or list(target.rglob("*.copying"))
    done.clear()
    Copying(source, target, nothing, lambda file, _: done.append(file)).run()
    moving.discard(source, target, made=True)
    assert not target.exists()
    assert hashing.sha256(source / "org" / "a") == hashlib.sha256(b"a" * 3000).hexdigest()


def test_a_disk_that_gives_back_something_else_is_told(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = os.fsync

    def rotten(descriptor: int) -> None:
        replaced(descriptor)
        os.pwrite(descriptor, b"!", 0)

    monkeypatch.setattr(os, "fsync", rotten)
    with pytest.raises(EnvironmentFault, match="do not trust that disk"):
        Copying(source, tmp_path / "new", nothing, nothing).run()


def test_places_where_nothing_can_go_are_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_bytes(b"")
    for target in (source, source / "inside", tmp_path, tmp_path / "full" / "file"):
        with pytest.raises(InvalidRequest):
            moving.check_target(source, target)
    with pytest.raises(Conflict, match="is not empty"):
        moving.check_target(source, tmp_path / "full")
    with pytest.raises(EnvironmentFault, match="cannot be used"):
        moving.check_target(source, Path("/proc/nowhere"))
    moving.check_target(source, tmp_path / "new")
    assert not (tmp_path / "new").exists()
