from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from sidecar import hardware

MB = 1024 * 1024


def test_the_figures_of_the_machine_are_plausible(tmp_path: Path) -> None:
    info = hardware.system_info(tmp_path, 123 * MB)
    assert 0 < info.memory_available_mb <= info.memory_total_mb
    assert 0 < info.disk_free_mb <= info.disk_total_mb
    assert 1 <= info.physical_cores <= info.logical_cores
    assert info.memory_limit_mb == 123
    assert info.processor


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    free = psutil.disk_usage(str(tmp_path)).free
    assert hardware.free_disk(tmp_path / "not" / "yet") == pytest.approx(free, rel=0.1)


def test_a_containers_limit_bounds_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"memory.max": 100 * MB, "memory.current": 70 * MB}
    monkeypatch.setattr(hardware, "_container_number", figures.__getitem__)
    assert hardware.total_memory() == 100 * MB
    assert hardware.available_memory() == 30 * MB


def test_without_a_container_the_machine_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_container_number", lambda name: 0)
    assert hardware.total_memory() == psutil.virtual_memory().total


def test_a_file_just_written_is_held_in_memory_or_cannot_be_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(1 << 20))
    assert hardware.cached_share(file) in (1.0, None)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="only there a system can be asked to forget a file")
def test_looking_at_a_file_does_not_make_it_seem_held(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    with file.open("wb") as stream:
        stream.write(bytes(256 << 20))
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if (first := hardware.cached_share(file)) is not None:
        time.sleep(0.2)  # while the disk would read what was looked at
        again = hardware.cached_share(file)
        assert again is not None
        assert again - first < 0.5
