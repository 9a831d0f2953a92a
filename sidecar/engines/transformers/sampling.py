"""Chooses the next token of each row from its scores: greedy, or drawn after temperature, top_k, top_p and min_p.

A row's choice depends on its own scores, seed and position only, so that a sequence gets the same text alone or among
others, and again when it has to be computed anew.
"""

from __future__ import annotations

import random
from typing import Any

import torch

from sidecar.engines.base import Answer
from sidecar.types import Sampling

DEFAULT_TEMPERATURE = 0.7
COLDEST = 1e-5  # below, scores divided by the temperature leave float32: the choice is greedy


def resolve(sampling: Sampling, defaults: Any) -> Sampling:
    """`sampling` with every gap filled: from the model's generation config (`defaults`), else with the documented default."""

    def first(asked: float | None, name: str, fallback: float) -> Any:
        own = getattr(defaults, name, None)
        return asked if asked is not None else own if own is not None else fallback

    return Sampling(
        max_length=sampling.max_length,
        max_new_tokens=sampling.max_new_tokens,
        temperature=first(sampling.temperature, "temperature", DEFAULT_TEMPERATURE),
        top_p=first(sampling.top_p, "top_p", 1.0),
        top_k=first(sampling.top_k, "top_k", 0),
        min_p=first(sampling.min_p, "min_p", 0.0),
        repetition_penalty=first(sampling.repetition_penalty, "repetition_penalty", 1.0),
        stop=sampling.stop,
        seed=sampling.seed,
    )


def choose(answers: list[Answer], scores: torch.Tensor) -> list[int]:
    """The next token of each row. `scores`: shape (rows, vocabulary), float32, already processed."""
    tokens = _likeliest(scores)
    drawn = [row for row, answer in enumerate(answers) if (answer.prompt.sampling.temperature or 0) > COLDEST]
    if drawn:
        tokens[drawn] = _draw([answers[row] for row in drawn], scores[drawn])
    return [int(token) for token in tokens.tolist()]


def _likeliest(scores: torch.Tensor) -> torch.Tensor:
    """On the processor by numpy, which takes a tenth of torch's time for many rows."""
    if scores.device.type != "cpu":
        return scores.argmax(dim=-1)
    return torch.from_numpy(scores.numpy().argmax(axis=-1))


def _draw(answers: list[Answer], scores: torch.Tensor) -> torch.Tensor:
    probabilities = restricted([answer.prompt.sampling for answer in answers], scores)
    # Inverse of the cumulative distribution, in the vocabulary's order: tiny differences in the scores, such as those
    # between a batch of one and of many, move its steps by as little and hardly ever change a choice.
    cumulative = probabilities.double().cumsum(dim=-1)
    points = [uniform(answer.prompt.seed, len(answer.generated)) for answer in answers]
    heights = torch.tensor(points, dtype=torch.float64, device=scores.device) * cumulative[:, -1]
    chosen = torch.searchsorted(cumulative, heights[:, None], right=True)[:, 0]
    return chosen.clamp(max=scores.shape[-1] - 1)


def uniform(seed: int, position: int) -> float:
    """The number in [0, 1) that decides the token at `position` of an answer."""
    return random.Random(seed << 32 | position).random()  # noqa: S311 - repeatable by intent


def restricted(samplings: list[Sampling], scores: torch.Tensor) -> torch.Tensor:
    """Probabilities after temperature, then top_k, then top_p of what is left, then min_p; they need not sum to one."""
    scores = scores / _column([sampling.temperature for sampling in samplings], scores)
    probabilities = scores.softmax(dim=-1)
    if any(sampling.top_k or (sampling.top_p or 1) < 1 for sampling in samplings):
        probabilities = _top(samplings, probabilities)
    if any(sampling.min_p for sampling in samplings):
        floor = _column([sampling.min_p for sampling in samplings], scores) * probabilities.amax(dim=-1, keepdim=True)
        probabilities = probabilities.masked_fill(probabilities < floor, 0)
    return probabilities


def _top(samplings: list[Sampling], probabilities: torch.Tensor) -> torch.Tensor:
    size = probabilities.shape[-1]
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    counts = _column([sampling.top_k or size for sampling in samplings], probabilities)
    ordered = ordered.masked_fill(torch.arange(size, device=ordered.device) >= counts, 0)
    before = ordered.cumsum(dim=-1) - ordered
    mass = _column([sampling.top_p for sampling in samplings], probabilities) * ordered.sum(dim=-1, keepdim=True)
    dropped = before >= mass
    dropped[:, 0] = False
    return torch.zeros_like(probabilities).scatter(-1, order, ordered.masked_fill(dropped, 0))


def _column(values: list[Any], like: torch.Tensor) -> torch.Tensor:
    """One value per row, shape (rows, 1)."""
    return torch.tensor(values, dtype=torch.float32, device=like.device)[:, None]
