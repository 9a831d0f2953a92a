"""Score processors, beside the library's."""

from __future__ import annotations

import pytest
import torch
from transformers import LogitsProcessorList, NoBadWordsLogitsProcessor, RepetitionPenaltyLogitsProcessor

from sidecar.engines.transformers.processors import NeverSaid, Processors

WORDS = 20
IDS = torch.tensor([[3, 4, 5], [5, 4, 3]])


@pytest.mark.parametrize("never", [[[7]], [[7], [0], [19]], [[7], [4, 5]], [[4, 5], [5, 4, 3, 2]]])
def test_scores_are_the_librarys(never: list[list[int]]) -> None:
    torch.manual_seed(1)
    scores = torch.randn(2, WORDS)
    library = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(1.3), NoBadWordsLogitsProcessor(never, 2)])
    expected = library(IDS, scores.clone())
    assert torch.equal(Processors(library)(IDS, scores), expected)


def test_words_alone_are_ruled_out_without_a_table_of_all_words() -> None:
    kinds = [
        [type(processor) for processor in Processors([NoBadWordsLogitsProcessor(never, 2)])._processors]
        for never in ([[7], [8]], [[7], [8, 9]])
    ]
    assert kinds == [[NeverSaid], [NoBadWordsLogitsProcessor]]


def test_without_any_nothing_is_done() -> None:
    scores = torch.randn(2, WORDS)
    assert not Processors([])
    assert Processors([])(IDS, scores) is scores
