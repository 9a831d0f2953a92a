from __future__ import annotations

import pytest

from sidecar.runtime import placement
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
        "limit": 1000 * MB,
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


def test_weights_that_are_computed_with_as_stored_take_what_the_files_do() -> None:
    assert reckon(engine="llamacpp", stored_bytes=1063).weights == 1063


def test_a_gguf_model_also_takes_what_goes_beside_it_and_what_is_kept_of_ended_conversations() -> None:
    alone, beside = reckon(engine="llamacpp"), reckon(engine="llamacpp", companion_bytes=7 * MB, prefix_cache_mb=256)
    assert beside.weights == alone.weights + 7 * MB
    assert beside.cache == alone.cache + 256 * MB


def test_what_is_kept_of_ended_conversations_suits_the_model_unless_it_is_set() -> None:
    eight_billion, limit = 131_072, 20_000 * MB
    assert placement.prefix_cache_mb(-1, eight_billion // 4, limit) == 256
    assert placement.prefix_cache_mb(-1, eight_billion, limit) == 1000
    assert placement.prefix_cache_mb(-1, eight_billion, limit // 10) == 100
    assert placement.prefix_cache_mb(-1, 100, limit) == placement.LEAST_KEPT_MB
    assert [placement.prefix_cache_mb(setting, eight_billion, limit) for setting in (0, 7)] == [0, 7]


def test_every_answer_has_a_cache_of_its_own_where_memory_is_plenty() -> None:
    assert placement.cache_cells(8192, 1024, 8, 1000 * MB) == 8 * 8192
    assert placement.cache_cells(8192, 1024, 8, 500 * MB) == placement.shared_cells(8192, 8)
    assert reckon(engine="llamacpp", context_length=8192).cache == 1024 * 8 * 8192


def test_a_shared_cache_holds_one_long_conversation_or_many_usual_ones() -> None:
    assert placement.shared_cells(100_000, 8) == 100_000
    assert placement.shared_cells(4096, 8) == 8 * placement.CELLS_PER_ANSWER
    assert placement.shared_cells(256, 8) == 8 * 256


@pytest.mark.parametrize(("limit", "context"), [(1 << 40, 32768), (1 << 30, 16384), (1 << 20, 512)])
def test_the_context_is_as_long_as_its_share_of_memory_allows(limit: int, context: int) -> None:
    assert placement.fitting_context(32768, 16384, 8, limit) == context
