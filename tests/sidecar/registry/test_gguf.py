"""Headers of GGUF files: what they tell, and that no file, however damaged, is believed."""

from __future__ import annotations

import contextlib
import math
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.errors import InvalidRequest
from sidecar.registry.gguf import ArrayLength, read_header
from sidecar.registry.gguf_model import gguf_files, is_gguf
from sidecar.registry.inspect import inspect
from tests.helpers.gguf_models import gguf_model, write_decoder, write_projector
from tests.helpers.models import tiny

TEXT, NUMBER, FLOAT = 8, 4, 6


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def tensor(name: str = "w", shape: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def gguf(
    *tensors: bytes, keys: bytes = b"", key_count: int = 0, data: int = 128, version: int = 3, count: int | None = None
) -> bytes:
    """A file with these tensors and `data` bytes of weights."""
    number = len(tensors) if count is None else count
    header = b"GGUF" + struct.pack("<IQQ", version, number, key_count) + keys + b"".join(tensors)
    return header + bytes(-len(header) % 32) + bytes(data)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        file = tmp_path / "model.gguf"
        file.write_bytes(content)
        return file

    return write


def test_a_chat_model_is_known_by_its_header() -> None:
    seen = inspect(gguf_model("llama-chat"))
    assert (seen.engine, seen.types, seen.architecture) == ("llamacpp", ("text_generation",), "llama")
    assert seen.capabilities == ("generate", "chat", "decide")
    assert seen.context_length == 256
    assert seen.weights.parameters == inspect(tiny("llama-chat")).weights.parameters
    assert seen.cache_bytes_per_token == inspect(tiny("llama-chat")).cache_bytes_per_token


def test_quantized_weights_count_with_their_own_size() -> None:
    whole, quantized = inspect(gguf_model("qwen2")).weights, inspect(gguf_model("qwen2-q8")).weights
    assert quantized.parameters == whole.parameters
    assert quantized.stored_bytes < 0.35 * whole.stored_bytes
    assert (
        inspect(gguf_model("qwen2-q8")).cache_bytes_per_token * 2 == inspect(gguf_model("qwen2")).cache_bytes_per_token
    )


@pytest.mark.parametrize(
    ("name", "types", "capabilities"),
    [
        ("llama-base", ("text_generation",), ("generate", "decide")),
        ("embed-mean", ("embedding",), ("embed",)),
        ("rerank", ("reranking",), ("rerank",)),
    ],
)
def test_a_header_tells_what_a_model_can_do(name: str, types: tuple[str, ...], capabilities: tuple[str, ...]) -> None:
    seen = inspect(gguf_model(name))
    assert (seen.types, seen.capabilities) == (types, capabilities)


def test_a_folder_with_one_model_is_that_model(tmp_path: Path) -> None:
    shutil.copy(gguf_model("llama-chat"), tmp_path / "a.gguf")
    assert is_gguf(tmp_path)
    assert inspect(tmp_path).version == inspect(tmp_path / "a.gguf").version


def test_a_folder_with_two_models_asks_for_one_of_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copy(gguf_model("llama-chat"), tmp_path / f"{name}.gguf")
    with pytest.raises(InvalidRequest, match=r"2 GGUF models .*a\.gguf"):
        inspect(tmp_path)


def test_a_projector_beside_a_model_belongs_to_it(tmp_path: Path) -> None:
    shutil.copy(gguf_model("llama-chat"), tmp_path / "a.gguf")
    write_projector(tmp_path / "mmproj-a.gguf")
    assert gguf_files(tmp_path).projector == tmp_path / "mmproj-a.gguf"
    assert inspect(tmp_path).version != inspect(gguf_model("llama-chat")).version


def test_how_its_makers_sample_is_told_where_it_makes_sense(written: Callable[[bytes], Path]) -> None:
    content = gguf_model("llama-chat").read_bytes()
    count = struct.unpack_from("<Q", content, 16)[0]
    for temperature, expected in ((0.25, 0.25), (99.0, None), (math.nan, None)):
        key = text("general.sampling.temp") + struct.pack("<If", FLOAT, temperature)
        grown = content[:16] + struct.pack("<Q", count + 1) + key + content[24:]
        assert inspect(written(grown + bytes(64))).defaults.temperature == expected


@pytest.mark.parametrize(("key", "size"), [("block_count", 0), ("block_count", 1 << 31), ("context_length", 0)])
def test_sizes_with_which_the_library_would_abort_or_hang_are_refused(
    written: Callable[[bytes], Path], key: str, size: int
) -> None:
    content = bytearray(gguf_model("llama-chat").read_bytes())
    at = content.index(f"llama.{key}".encode()) + len(f"llama.{key}") + 4
    content[at : at + 4] = struct.pack("<I", size)
    with pytest.raises(InvalidRequest, match=f"{key} is {size}"):
        inspect(written(bytes(content)))


def test_shards_are_one_model_and_none_may_be_missing(tmp_path: Path) -> None:
    write_decoder(tiny("llama-chat"), tmp_path / "a.gguf", split=8)
    shards = sorted(tmp_path.glob("*.gguf"))
    assert len(shards) > 1
    assert inspect(tmp_path).weights == inspect(gguf_model("llama-chat")).weights
    assert inspect(shards[0]).weights == inspect(gguf_model("llama-chat")).weights
    shards[1].unlink()
    with pytest.raises(InvalidRequest, match="incomplete"):
        inspect(tmp_path)


def test_long_arrays_are_checked_but_not_kept(written: Callable[[bytes], Path]) -> None:
    words = struct.pack("<IQ", TEXT, 2000) + b"".join(text(str(number)) for number in range(2000))
    header = read_header(written(gguf(keys=text("words") + struct.pack("<I", 9) + words, key_count=1)))
    assert header.metadata["words"] == ArrayLength(2000)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "does not begin with GGUF"),
        (b"GGML" + bytes(60), "does not begin with GGUF"),
        (gguf(version=99), "version is 99"),
        (gguf(count=1 << 40), "tensors"),
        (gguf(key_count=1 << 40), "keys"),
        (gguf(keys=struct.pack("<Q", 1 << 60), key_count=1), "bytes of a text"),
        (gguf(keys=text("k") + struct.pack("<I", 99), key_count=1), "unknown type 99"),
        (gguf(keys=(text("k") + struct.pack("<II", NUMBER, 1)) * 2, key_count=2), "there twice"),
        (gguf(keys=text("k") + struct.pack("<IIQ", 9, 10, 1 << 50), key_count=1), "items of an array"),
        (gguf(keys=text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 9, key_count=1), "nested too deeply"),
        (gguf(keys=text("general.alignment") + struct.pack("<II", NUMBER, 33), key_count=1), "alignment is 33"),
        (gguf(tensor(), tensor()), "the same name"),
        (gguf(tensor(shape=(1,) * 5)), "5 dimensions"),
        (gguf(tensor(kind=77)), "unknown type 77"),
        (gguf(tensor(shape=(33,), kind=8)), "impossible shape"),
        (gguf(tensor(shape=(0,))), "impossible shape"),
        (gguf(tensor(shape=(1 << 60, 1 << 60))), "outside the file"),
        (gguf(tensor(offset=1 << 62)), "outside the file"),
        (gguf(tensor(offset=7)), "not aligned"),
        (gguf(tensor(), data=127), "outside the file"),
        (gguf(tensor())[:50], "cut short"),
    ],
)
def test_an_unsound_file_is_refused_with_its_fault(
    written: Callable[[bytes], Path], content: bytes, fault: str
) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        read_header(written(content))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_are_refused_or_read_but_never_break_the_reader(
    written: Callable[[bytes], Path], data: st.DataObject
) -> None:
    content = bytearray(gguf_model("llama-chat").read_bytes()[:30_000])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(content) - 8))
        content[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    del content[data.draw(st.integers(1, len(content))) :]
    file = written(bytes(content))
    with contextlib.suppress(InvalidRequest):
        assert read_header(file).tensors is not None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(written: Callable[[bytes], Path], content: bytes) -> None:
    file = written(b"GGUF" + content)
    with contextlib.suppress(InvalidRequest):
        assert read_header(file).tensors is not None
