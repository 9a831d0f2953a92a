"""What was made of models, on disk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sidecar.registry.derived import RESULT, Derived
from sidecar.types import Preparation

MADE = Preparation("ctranslate2", "embedding", "int8", True)


def make(derived: Derived, version: str = "v1") -> Path:
    half = derived.making(version, "embedding")
    half.mkdir()
    (half / RESULT).write_bytes(msgspec.json.encode(MADE))
    return half


def reopened(root: Path) -> Derived:
    derived = Derived(root)
    derived.read()
    return derived


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    derived = Derived(tmp_path)
    half = make(derived)
    assert derived.preparation("v1", "embedding") is None
    derived.keep("v1", "embedding", MADE)
    assert not half.exists()
    for one in (derived, reopened(tmp_path)):
        assert one.preparation("v1", "embedding") == MADE
        assert one.preparation("v1", "classification") is None
        assert (one.folder("v1", "embedding") / RESULT).is_file()


def test_what_a_crash_left_half_made_is_neither_found_nor_kept(tmp_path: Path) -> None:
    half = make(Derived(tmp_path))
    assert reopened(tmp_path).preparation("v1", "embedding") is None
    assert not half.exists()


def test_discarding_leaves_no_empty_folders_and_nothing_that_was_kept(tmp_path: Path) -> None:
    derived = Derived(tmp_path)
    make(derived)
    derived.discard("v1", "embedding")
    assert list(tmp_path.iterdir()) == []
    make(derived)
    derived.keep("v1", "embedding", MADE)
    make(derived)
    derived.discard("v1", "embedding")
    assert reopened(tmp_path).preparation("v1", "embedding") == MADE


def test_what_a_worker_left_half_written_is_deleted_and_what_it_kept_stays(tmp_path: Path) -> None:
    own = Derived(tmp_path).own_folder("v1", "transformers")
    own.mkdir(parents=True)
    for name in ("int8.safetensors", "int8.safetensors.17.making"):
        (own / name).touch()
    reopened(tmp_path)
    assert [file.name for file in own.iterdir()] == ["int8.safetensors"]


def test_deleting_a_version_leaves_the_others(tmp_path: Path) -> None:
    derived = Derived(tmp_path)
    for version in ("v1", "v2"):
        make(derived, version)
        derived.keep(version, "embedding", MADE)
    derived.delete("v1")
    assert [folder.name for folder in tmp_path.iterdir()] == ["v2"]
    assert derived.preparation("v1", "embedding") is None
    assert derived.preparation("v2", "embedding") == MADE


def test_a_record_that_is_not_readable_counts_as_none(tmp_path: Path) -> None:
    derived = Derived(tmp_path)
    make(derived)
    derived.keep("v1", "embedding", MADE)
    (derived.folder("v1", "embedding") / RESULT).write_text("{}")
    assert reopened(tmp_path).preparation("v1", "embedding") is None
