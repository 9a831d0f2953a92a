"""Manifests: what is checked, what is believed, what is set aside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar.hub import hashing
from sidecar.registry.manifest import Manifest, Manifests, described
from sidecar.types import RemoteFile


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    return Manifests(tmp_path / "models")


def with_manifest(manifests: Manifests, root: Path) -> Path:
    """A folder with two files and the manifest of them."""
    root.mkdir(parents=True)
    entries = []
    for name in ("a.json", "b.bin"):
        (root / name).write_bytes(name.encode() * 100)
        announced = RemoteFile(name, 600 if name == "a.json" else 500, hashing.sha256(root / name))
        entries.append(described(root, announced))
    manifests.write(root, Manifest("org/model", "c" * 40, None, entries))
    return root


def test_what_did_not_change_is_not_read_again(manifests: Manifests) -> None:
    root = with_manifest(manifests, manifests.models_dir / "org--model" / "c")
    before = (root / "a.json").stat()
    (root / "a.json").write_bytes(b"x" * before.st_size)
    os.utime(root / "a.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    quick, thorough = (manifests.check(root, everything=everything) for everything in (False, True))
    assert quick is not None
    assert quick.whole
    assert thorough is not None
    assert thorough.damaged == ["a.json"]


def test_a_file_that_was_only_touched_is_read_once(manifests: Manifests) -> None:
    root = with_manifest(manifests, manifests.models_dir / "org--model" / "c")
    os.utime(root / "a.json")
    checked = manifests.check(root, everything=False)
    assert checked is not None
    assert checked.whole
    found = manifests.read(root)
    assert found is not None
    assert found.files[0].modified_ns == (root / "a.json").stat().st_mtime_ns


def test_damaged_and_missing_files_are_told_apart_and_the_damaged_set_aside(manifests: Manifests) -> None:
    root = with_manifest(manifests, manifests.models_dir / "org--model" / "c")
    (root / "a.json").write_bytes(b"short")
    (root / "b.bin").unlink()
    checked = manifests.check(root, everything=False)
    assert checked is not None
    assert (checked.damaged, checked.missing, checked.verified) == (["a.json"], ["b.bin"], 0)
    assert not (root / "a.json").exists()
    assert list((manifests.models_dir / ".quarantine").rglob("a.json"))


def test_files_of_others_are_never_moved_and_get_no_manifest_beside_them(manifests: Manifests, tmp_path: Path) -> None:
    root = with_manifest(manifests, tmp_path / "elsewhere")
    assert sorted(file.name for file in root.iterdir()) == ["a.json", "b.bin"]
    (root / "a.json").write_bytes(b"short")
    checked = manifests.check(root, everything=True)
    assert checked is not None
    assert checked.damaged == ["a.json"]
    assert (root / "a.json").exists()


def test_a_file_within_a_model_s_folder_belongs_to_its_manifest(manifests: Manifests) -> None:
    root = with_manifest(manifests, manifests.models_dir / "org--model" / "c")
    found = manifests.find(root / "b.bin")
    assert found is not None
    assert found[0] == root
    assert manifests.find(manifests.models_dir / "org--other" / "d") is None


def test_a_sound_file_of_another_model_is_found_by_its_hash(manifests: Manifests) -> None:
    root = with_manifest(manifests, manifests.models_dir / "org--model" / "c")
    wanted = RemoteFile("other.json", 600, hashing.sha256(root / "a.json"))
    assert manifests.holder(wanted) == root / "a.json"
    (root / "a.json").write_bytes(b"x" * 600)
    assert manifests.holder(wanted) is None
