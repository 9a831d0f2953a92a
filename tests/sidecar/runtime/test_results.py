from __future__ import annotations

from array import array

import pytest

from sidecar.runtime import results
from sidecar.runtime.protocol import Classified, Embedded, Generated, ModelFacts, Translated
from sidecar.types import (
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
)

FACTS = ModelFacts("transformers", "cpu", "float32", 10, 20, context_length=256)
OUTCOME = Generated("stop", 5, 11, queue_ms=1, prefill_ms=20, decode_ms=100, warnings=["cut"])


def test_an_answers_figures_add_up() -> None:
    answer = results.generated("m", "text", OUTCOME, FACTS, waited_ms=4, first_token_ms=25, total_ms=130)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 11, 16)
    assert answer.timings.queue_ms == 5
    assert answer.timings.tokens_per_second == 100
    assert (answer.execution.engine, answer.execution.device, answer.execution.precision) == (
        "transformers",
        "cpu",
        "float32",
    )
    assert answer.warnings == ["cut"]


@pytest.mark.parametrize(("tokens", "decode_ms", "rate"), [(11, 100, 100), (1, 0, 50), (0, 0, 0)])
def test_the_rate_is_that_of_decoding(tokens: int, decode_ms: float, rate: float) -> None:
    outcome = Generated("stop", 5, tokens, queue_ms=0, prefill_ms=20, decode_ms=decode_ms)
    assert results.tokens_per_second(outcome) == rate


def test_the_last_chunk_has_the_figures_and_no_text() -> None:
    chunk = results.last_chunk(
        results.generated("m", "text", OUTCOME, FACTS, waited_ms=0, first_token_ms=0, total_ms=0)
    )
    assert (chunk.done, chunk.text, chunk.finish_reason, chunk.context_length) == (True, "", "stop", 256)


def test_labels_come_with_the_most_likely_first() -> None:
    outcome = Classified(["a", "b", "c"], [[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]], False, 9)
    several = results.classified(ClassifyRequest(texts=["x", "y"], top_k=2), outcome, FACTS, 1)
    assert isinstance(several, ClassifyBatchResponse)
    assert [list(row.classifications.items()) for row in several.results] == [
        [("b", 0.5), ("c", 0.3)],
        [("a", 0.9), ("b", 0.1)],
    ]


def test_one_text_is_answered_without_a_list() -> None:
    outcome = Classified(["a"], [[1.0]], True, 1)
    one = results.classified(ClassifyRequest(text="x"), outcome, FACTS, 1)
    assert isinstance(one, ClassifyResponse)
    assert one.multi_label
    translated = Translated(["hallo"], 1, 1)
    assert isinstance(results.translated(TranslateRequest(text="hello"), translated, FACTS, 1), TranslateResponse)
    assert isinstance(
        results.translated(TranslateRequest(texts=["hello"]), translated, FACTS, 1), TranslateBatchResponse
    )


def test_hypotheses_go_with_their_texts() -> None:
    translated = Translated(["hallo", "tee"], 1, 1, hypotheses=[["hallo", "hei"], ["tee", "ein tee"]])
    batch = results.translated(TranslateRequest(texts=["hello", "tea"]), translated, FACTS, 1)
    assert [one.hypotheses for one in batch.results] == translated.hypotheses  # type: ignore[union-attr]
    translated = Translated(["hi"], 1, 1, hypotheses=[["hi", "hei"]])
    single = results.translated(TranslateRequest(text="hello"), translated, FACTS, 1)
    assert single.hypotheses == ["hi", "hei"]  # type: ignore[union-attr]


def test_vectors_are_the_rows_of_the_float32_matrix() -> None:
    vectors = array("f", [0.5, 1.0, -2.0, 0.25, 0.0, 8.0]).tobytes()
    answer = results.embedded(Embedded(vectors, 3, 4), FACTS, 1)
    assert answer.embeddings == [[0.5, 1.0, -2.0], [0.25, 0.0, 8.0]]
    assert answer.dimensions == 3
