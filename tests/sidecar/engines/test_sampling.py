"""Sampling, compared with the library's own warpers, and its draws with the probabilities they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import torch
from transformers import (
    GenerationConfig,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from sidecar.engines.base import Prompt
from sidecar.engines.transformers.sampling import choose, resolve, restricted
from sidecar.types import Sampling


@dataclass
class Row:
    """A running sequence, as sampling sees it."""

    prompt: Prompt
    key: int = 0
    generated: list[int] = field(default_factory=list)


def row(seed: int = 0, position: int = 0, **sampling: float) -> Row:
    settled = resolve(Sampling(**sampling), GenerationConfig())  # type: ignore[arg-type]
    prompt = Prompt([1], 10, frozenset(), lambda tokens: "", settled, seed)
    return Row(prompt, generated=[0] * position)


def scores(rows: int = 1, vocabulary: int = 50) -> torch.Tensor:
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(3)) * 3


def test_without_settings_the_documented_defaults_hold() -> None:
    settled = resolve(Sampling(), GenerationConfig())
    assert (settled.temperature, settled.top_p, settled.top_k, settled.min_p, settled.repetition_penalty) == (
        0.7, 1.0, 0, 0.0, 1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": 0.5},
        {"temperature": 1.0, "top_k": 5},
        {"temperature": 1.3, "top_p": 0.6},
        {"temperature": 1.0, "min_p": 0.1},
        {"temperature": 0.8, "top_k": 12, "top_p": 0.7, "min_p": 0.05},
    ],
)
def test_probabilities_are_those_of_the_librarys_warpers(sampling: dict[str, float]) -> None:
    raw = scores(4)
    expected = TemperatureLogitsWarper(float(sampling["temperature"]))(None, raw.clone())  # type: ignore[arg-type]
    if "top_k" in sampling:
        expected = TopKLogitsWarper(int(sampling["top_k"]))(None, expected)  # type: ignore[arg-type]
    if "top_p" in sampling:
        expected = TopPLogitsWarper(sampling["top_p"])(None, expected)  # type: ignore[arg-type]
    if "min_p" in sampling:
        expected = MinPLogitsWarper(sampling["min_p"])(None, expected)  # type: ignore[arg-type]
    settled = resolve(Sampling(**sampling), GenerationConfig())  # type: ignore[arg-type]
    actual = restricted([settled] * 4, raw)
    torch.testing.assert_close(actual / actual.sum(-1, keepdim=True), expected.softmax(-1))


def test_rows_with_different_settings_do_not_touch_each_other() -> None:
    raw = scores(3)
    rows = [row(5, temperature=0.0), row(5, temperature=1.0, top_k=3), row(5, temperature=2.0, top_p=0.5)]
    together = choose(rows, raw.clone())
    assert together == [choose([one], raw[index : index + 1].clone())[0] for index, one in enumerate(rows)]


def test_temperature_zero_is_greedy() -> None:
    raw = scores(5)
    assert choose([row(seed, temperature=0.0) for seed in range(5)], raw) == raw.argmax(-1).tolist()


def test_top_k_one_is_greedy_at_any_temperature() -> None:
    raw = scores(5)
    assert choose([row(seed, temperature=5.0, top_k=1) for seed in range(5)], raw) == raw.argmax(-1).tolist()


def test_a_temperature_too_small_for_division_is_greedy() -> None:
    raw = scores(1)
    assert choose([row(temperature=1e-30)], raw) == raw.argmax(-1).tolist()


def test_draws_follow_the_probabilities() -> None:
    count = 4000
    raw = torch.tensor([[0.1, 0.2, 0.7]]).log()
    rows = [row(seed, temperature=1.0) for seed in range(count)]
    shares = torch.bincount(torch.tensor(choose(rows, raw.expand(count, -1).contiguous()))) / count
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.2, 0.7]), atol=0.03, rtol=0)


def test_positions_of_one_sequence_are_drawn_independently() -> None:
    count = 4000
    raw = torch.zeros(count, 2)
    tokens = choose([row(1, position, temperature=1.0) for position in range(count)], raw)
    pairs = torch.bincount(torch.tensor([2 * a + b for a, b in pairwise(tokens)])) / count
    torch.testing.assert_close(pairs, torch.full((4,), 0.25), atol=0.03, rtol=0)


def test_a_token_that_was_ruled_out_is_never_drawn() -> None:
    raw = scores(500)
    raw[:, ::2] = -torch.inf
    tokens = choose([row(seed, temperature=5.0) for seed in range(500)], raw)
    assert all(token % 2 for token in tokens)
