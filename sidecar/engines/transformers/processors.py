"""What is done to the scores of the next word before one is chosen: the library's score processors, called with less ado."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from transformers import NoBadWordsLogitsProcessor


class Processors:
    """Stands for the library's list of processors, which looks at the signature of each in every step."""

    def __init__(self, processors: Iterable[Any]) -> None:
        self._processors = [_cheaper(processor) for processor in processors]

    def __bool__(self) -> bool:
        return bool(self._processors)

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """`ids`: shape (rows, tokens so far); `scores`: (rows, vocabulary), which may be changed in place."""
        for process in self._processors:
            scores = process(ids, scores)
        return scores


class NeverSaid:
    """Words that are ruled out. The library adds a number to the score of every word there is."""

    def __init__(self, words: list[int]) -> None:
        self._words = torch.tensor(words)

    def __call__(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return scores.index_fill_(-1, self._words.to(scores.device), -math.inf)


def _cheaper(processor: Any) -> Any:
    if type(processor) is not NoBadWordsLogitsProcessor:
        return processor
    sequences = list(processor.sequence_bias)
    return NeverSaid([first for first, *_ in sequences]) if all(len(words) == 1 for words in sequences) else processor
