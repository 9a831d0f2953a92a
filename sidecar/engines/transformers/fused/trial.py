"""Whether rounded weights answer like the exact ones. In a fused decoder sample tokens go through every layer both ways."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from sidecar.engines.transformers.fused.decoder import Decoder, Layer, Rotary, Sizes, normed, through
from sidecar.engines.transformers.fused.linear import Precision

# Four bits are never taken unasked: who asks for them wants the speed and accepts other words, but no other model.
LARGEST_DIVERGENCE = {"int8": 0.05, "int4": 0.15}
SMALLEST_SAME_WORD = {"int8": 0.98, "int4": 0.93}
SURE = 0.5


@dataclass(frozen=True)
class Agreement:
    """What a trial showed. `complaint`: what differs too much from the exact model, in words; empty where nothing does."""

    precision: Precision
    measures: dict[str, float]
    complaint: str = ""

    @property
    def enough(self) -> bool:
        return not self.complaint

    def __str__(self) -> str:
        return f"rounded to {self.precision.removeprefix('int')} bits, {self.complaint}"


def next_words(exact: torch.Tensor, rounded: torch.Tensor, precision: Precision) -> Agreement:
    """How two models' scores of the next word compare, each of shape (positions, words).

    `divergence`: mean Kullback-Leibler divergence in nats. `same_word`: share of positions with the same likeliest word,
    among those where the exact model prefers it by SURE nats; 1 where there is none.
    """
    exact, rounded = exact.log_softmax(-1), rounded.log_softmax(-1)
    best = exact.topk(2, dim=-1)
    sure = best.values[:, 0] - best.values[:, 1] >= SURE
    same = rounded.argmax(-1) == best.indices[:, 0]
    divergence = functional.kl_div(rounded, exact, log_target=True, reduction="batchmean")
    return judged(precision, float(divergence), float(same[sure].float().mean()) if sure.any() else 1.0)


def judged(precision: Precision, divergence: float, same_word: float) -> Agreement:
    enough = divergence <= LARGEST_DIVERGENCE[precision] and same_word >= SMALLEST_SAME_WORD[precision]
    told = (
        f"its next words agree with the exact ones in {same_word:.1%} of the sure cases,"
        f" mean divergence {divergence:.3f} nats"
    )
    return Agreement(precision, {"divergence": divergence, "same_word": same_word}, "" if enough else told)


class Trial:
    """The sample's hidden states on their way through the exact and through the rounded layers."""

    def __init__(
        self, embedding: torch.Tensor, rotary: Rotary, sizes: Sizes, sample: list[int], precision: Precision
    ) -> None:
        self._precision = precision
        self._angles = rotary(torch.arange(len(sample)), len(sample) - 1)
        self._sizes = sizes
        self._exact = embedding[torch.tensor(sample)]
        self._rounded = self._exact.clone()

    def advance(self, exact: Layer, rounded: Layer) -> None:
        self._exact = through(exact, 0, self._exact, self._angles, self._sizes, _whole)
        self._rounded = through(rounded, 0, self._rounded, self._angles, self._sizes, _whole)

    def agreement(self, decoder: Decoder, words: torch.Tensor) -> Agreement:
        """`words`: the exact weights of the last product."""
        exact = normed(self._exact, decoder.norm, decoder.sizes.epsilon)
        return next_words(functional.linear(exact, words), decoder.scores(self._rounded), self._precision)


def _whole(_: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention among the sample's tokens alone."""
    q, k, v = (part.transpose(0, 1)[None] for part in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)[0].transpose(0, 1)
