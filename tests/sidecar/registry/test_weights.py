from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.errors import InvalidRequest
from sidecar.registry.weights import read_weights

from .conftest import safetensors


def with_header(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_elements_are_summed_over_all_files_by_data_type(tmp_path: Path) -> None:
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    first.write_bytes(safetensors({"a": ("F32", [2, 3], 24), "b": ("BF16", [5], 10)}))
    second.write_bytes(safetensors({"c": ("F32", [4], 16), "d": ("F4", [3], 2)}))
    weights = read_weights([first, second])
    assert weights.elements == {"F32": 10, "BF16": 5, "F4": 3}
    assert weights.parameters == 18
    assert weights.stored_bytes == 40 + 10 + 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "too short"),
        (b"1234567", "too short"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "claims"),
        ((3).to_bytes(8, "little") + b"{}", "claims"),
        ((2).to_bytes(8, "little") + b"{x", "not valid JSON"),
        (with_header([1]), "not a table"),
        (with_header({"w": {"dtype": "F32"}}), "unknown way"),
        (with_header({"w": {"dtype": "OBJECT", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)), "unknown way"),
        (with_header({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)), "impossible shape"),
        (with_header({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}), "cut short"),
        (with_header({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, bytes(4)), "outside"),
        (with_header({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)), "disagree"),
        (with_header({"w": {"dtype": "F32", "shape": [1 << 40] * 40, "data_offsets": [0, 4]}}, bytes(4)), "disagree"),
        (b"\xff\xff" + bytes(6) + b"[" * 65535, "not valid JSON"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(content)
    with pytest.raises(InvalidRequest, match=reason):
        read_weights([file])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda children: (
            st.lists(children, max_size=4)
            | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "w"]), children, max_size=4)
        ),
    ),
    data=st.binary(max_size=20),
)
def test_no_header_whatever_gets_past_with_another_error(tmp_path: Path, header: object, data: bytes) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(with_header(header, data))
    try:
        assert read_weights([file]).stored_bytes <= len(data)
    except InvalidRequest:
        return
