from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar.registry.sealing import is_whole, remove, seal


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    file = tmp_path / "w.safetensors"
    file.write_bytes(b"weights")
    seal(file)
    return file


def rewritten(file: Path, content: bytes) -> None:
    """With the time that it had: a damage that only reading shows."""
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_is_whole_as_long_as_its_content_is(sealed: Path) -> None:
    assert is_whole(sealed, everything=True)
    os.utime(sealed, ns=(1, 1))
    assert is_whole(sealed)
    sealed.write_bytes(b"weighty")
    assert not is_whole(sealed)


def test_damage_that_leaves_size_and_time_is_found_by_reading_everything(sealed: Path) -> None:
    rewritten(sealed, b"weighty")
    assert is_whole(sealed)
    assert not is_whole(sealed, everything=True)
    rewritten(sealed, b"weight")
    assert not is_whole(sealed)


def test_a_file_without_a_seal_or_a_seal_without_a_file_is_not_whole(sealed: Path) -> None:
    sealed.unlink()
    assert not is_whole(sealed)
    sealed.write_bytes(b"weights")
    sealed.with_name("w.safetensors.seal").write_bytes(b"{")
    assert not is_whole(sealed)
    remove(sealed)
    assert list(sealed.parent.iterdir()) == []
