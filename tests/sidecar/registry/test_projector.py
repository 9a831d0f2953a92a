"""Projectors beside GGUF models: what their headers tell, and that none is opened whose sizes contradict each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from sidecar.errors import InvalidRequest
from sidecar.registry.inspect import inspect, without_projector
from sidecar.registry.projector import read_projector
from tests.helpers.gguf_models import gguf_model, write_projector


def test_a_model_with_a_projector_beside_it_sees() -> None:
    seen = inspect(gguf_model("llama-seeing"))
    assert seen.capabilities == ("generate", "chat", "decide", "vision")
    assert seen.projector == gguf_model("llama-seeing").with_name("mmproj-f32.gguf")


def test_a_projector_counts_with_its_weights_and_what_an_image_takes() -> None:
    file = gguf_model("llama-seeing").with_name("mmproj-f32.gguf")
    projector = read_projector(file)
    assert projector is not None
    assert 0.8 * file.stat().st_size < projector.stored_bytes < file.stat().st_size
    assert inspect(gguf_model("llama-seeing")).companion_bytes == projector.held_bytes > projector.stored_bytes


def test_a_model_whose_projector_is_switched_off_is_what_it_would_be_without() -> None:
    blind = without_projector(inspect(gguf_model("llama-seeing")))
    alone = inspect(gguf_model("llama-chat"))
    assert blind == replace(alone, version=blind.version, file_bytes=blind.file_bytes)


def test_of_several_projectors_the_smallest_is_taken(tmp_path: Path) -> None:
    shutil.copy(gguf_model("llama-chat"), tmp_path / "a.gguf")
    for name, words in (("mmproj-a.gguf", "longer"), ("mmproj-b.gguf", "")):
        write_projector(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + words.encode())
    assert inspect(tmp_path).projector == tmp_path / "mmproj-b.gguf"


def test_a_model_that_does_not_chat_does_not_see(tmp_path: Path) -> None:
    shutil.copy(gguf_model("llama-base"), tmp_path / "a.gguf")
    write_projector(tmp_path / "mmproj-a.gguf")
    assert inspect(tmp_path).projector is None


@pytest.mark.parametrize(
    ("sizes", "why"),
    [
        ({"attention.head_count": 0}, "head_count is 0"),
        ({"attention.head_count": 3}, "3 heads"),
        ({"patch_size": 0}, "patch_size is 0"),
        ({"patch_size": 7}, "patches of 7 pixels"),
        ({"image_size": 56}, "4 times 4 patches"),
        ({"image_size": 7}, "smaller than a patch"),
        ({"image_size": 1 << 30}, "image_size is 1073741824"),
        ({"embedding_length": 32}, "shape"),
        ({"block_count": 1 << 20}, "block_count is 1048576"),
    ],
)
def test_sizes_with_which_the_library_would_abort_are_refused(tmp_path: Path, sizes: dict[str, int], why: str) -> None:
    shutil.copy(gguf_model("llama-chat"), tmp_path / "a.gguf")
    write_projector(tmp_path / "mmproj-a.gguf", **sizes)
    with pytest.raises(InvalidRequest, match=f"mmproj-a.gguf is not a multimodal projector .*{why}"):
        inspect(tmp_path)


def test_another_model_under_the_name_of_a_projector_is_refused(tmp_path: Path) -> None:
    for name in ("a.gguf", "mmproj-a.gguf"):
        shutil.copy(gguf_model("llama-chat"), tmp_path / name)
    with pytest.raises(InvalidRequest, match="it holds a llama"):
        inspect(tmp_path)
