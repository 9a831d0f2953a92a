from __future__ import annotations

import pytest

from sidecar.runtime.placement import MB, Estimate, Room, does_not_fit, estimate, limit_bytes


def reckon(**changes: object) -> Estimate:
    values = {
        "engine": "transformers",
        "parameters": 100 * MB,
        "stored_bytes": 200 * MB,
        "on_cpu": True,
        "cache_bytes_per_token": 1024,
        "context_length": 4096,
        "max_sequences": 8,
    }
    return estimate(**{**values, **changes})


def test_weights_are_float32_on_a_cpu_and_as_stored_elsewhere() -> None:
    assert reckon().weights == 400 * MB
    assert reckon(on_cpu=False).weights == 200 * MB


def test_the_cache_grows_with_the_sequences_and_a_usual_context() -> None:
    assert reckon().cache == 8 * MB
    assert reckon(max_sequences=1).cache == MB
    assert reckon(context_length=128).cache == MB
    assert reckon(cache_bytes_per_token=0).cache == 0


def test_the_whole_is_the_sum_of_its_parts() -> None:
    parts = reckon()
    assert parts.total == parts.weights + parts.cache + parts.workspace + parts.process
    assert parts.process > 100 * MB


def test_the_limit_is_the_setting_or_four_fifths_of_the_machine() -> None:
    assert limit_bytes(500, 10_000 * MB) == 500 * MB
    assert limit_bytes(0, 10_000 * MB) == 8000 * MB


@pytest.mark.parametrize(
    ("room", "free"), [(Room(1000, 400, 5000), 600), (Room(1000, 400, 100), 100), (Room(1000, 1200, 100), -200)]
)
def test_what_is_free_is_bounded_by_limit_and_machine(room: Room, free: int) -> None:
    assert room.free == free


def test_the_refusal_names_the_numbers_and_what_bounds_them() -> None:
    by_limit = does_not_fit("big", 900 * MB, Room(1000 * MB, 400 * MB, 5000 * MB), "pinned: other")
    assert "about 900 MB" in by_limit.message
    assert "600 MB can be used" in by_limit.message
    assert "the limit is 1000 MB and loaded models use 400 MB; pinned: other" in by_limit.message
    by_machine = does_not_fit("big", 900 * MB, Room(1000 * MB, 0, 300 * MB))
    assert "300 MB can be used (the machine has no more free)" in by_machine.message
