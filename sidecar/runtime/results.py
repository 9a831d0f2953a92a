"""Turns what workers report into the public response types. Pure: no waiting, no bookkeeping."""

from __future__ import annotations

from array import array

from sidecar.runtime.protocol import Classified, Decided, Embedded, Generated, ModelFacts, Reranked, Translated
from sidecar.types import (
    Classification,
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    DecideRequest,
    DecideResponse,
    EmbedResponse,
    Execution,
    GenerateChunk,
    GenerateResponse,
    Ranked,
    RerankRequest,
    RerankResponse,
    Timings,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
    Translation,
    Usage,
)


def generated(
    model: str,
    text: str,
    outcome: Generated,
    facts: ModelFacts,
    *,
    waited_ms: float,
    first_token_ms: float,
    total_ms: float,
) -> GenerateResponse:
    """`waited_ms`: before a worker had the request; `first_token_ms` and `total_ms`: from the request's arrival."""
    prompt, answer = outcome.prompt_tokens, outcome.completion_tokens
    tokens = Usage(prompt, answer, prompt + answer, outcome.cached_tokens)
    return GenerateResponse(
        generated_text=text,
        finish_reason=outcome.finish_reason,
        usage=tokens,
        execution_time_ms=round(total_ms, 3),
        timings=Timings(
            queue_ms=round(waited_ms + outcome.queue_ms, 3),
            prefill_ms=round(outcome.prefill_ms, 3),
            decode_ms=round(outcome.decode_ms, 3),
            time_to_first_token_ms=round(first_token_ms, 3),
            tokens_per_second=round(tokens_per_second(outcome), 2),
        ),
        model=model,
        context_length=facts.context_length or 0,
        execution=_execution(facts),
        warnings=outcome.warnings,
        tool_calls=outcome.tool_calls,
        logprobs=outcome.logprobs,
    )


def _execution(facts: ModelFacts) -> Execution:
    return Execution(facts.engine, facts.device, facts.precision)


def tokens_per_second(outcome: Generated) -> float:
    """The decode rate: the first token is the prefill's."""
    if outcome.completion_tokens > 1 and outcome.decode_ms > 0:
        return 1000 * (outcome.completion_tokens - 1) / outcome.decode_ms
    whole = outcome.prefill_ms + outcome.decode_ms
    return 1000 * outcome.completion_tokens / whole if whole > 0 else 0.0


def last_chunk(response: GenerateResponse) -> GenerateChunk:
    """The end of a stream: the figures of the whole answer, without its text."""
    return GenerateChunk(
        done=True,
        finish_reason=response.finish_reason,
        usage=response.usage,
        execution_time_ms=response.execution_time_ms,
        timings=response.timings,
        model=response.model,
        context_length=response.context_length,
        execution=response.execution,
        warnings=response.warnings,
        tool_calls=response.tool_calls,
        logprobs=response.logprobs,
    )


def classified(
    request: ClassifyRequest, outcome: Classified, facts: ModelFacts, total_ms: float
) -> ClassifyResponse | ClassifyBatchResponse:
    """Probabilities highest first, the best `top_k` of them."""
    rows = [_ranked(outcome.labels, scores, request.top_k) for scores in outcome.scores]
    if request.text is not None:
        return ClassifyResponse(rows[0], round(total_ms, 3), _execution(facts), outcome.multi_label, outcome.warnings)
    cut = frozenset(outcome.cut)
    results = [Classification(row, place in cut) for place, row in enumerate(rows)]
    return ClassifyBatchResponse(results, round(total_ms, 3), _execution(facts), outcome.multi_label, outcome.warnings)


def _ranked(labels: list[str], scores: list[float], top_k: int | None) -> dict[str, float]:
    pairs = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
    return dict(pairs[:top_k])


def decided(request: DecideRequest, outcome: Decided, facts: ModelFacts, total_ms: float) -> DecideResponse:
    """Probabilities highest first."""
    return DecideResponse(
        _ranked(request.labels, outcome.probabilities, None), round(total_ms, 3), _execution(facts), outcome.warnings
    )


def reranked(request: RerankRequest, outcome: Reranked, facts: ModelFacts, total_ms: float) -> RerankResponse:
    """Scores highest first, the best `top_k` of them."""
    ranked = sorted((Ranked(index, score) for index, score in enumerate(outcome.scores)), key=lambda row: -row.score)
    return RerankResponse(ranked[: request.top_k], round(total_ms, 3), _execution(facts), outcome.warnings)


def translated(
    request: TranslateRequest, outcome: Translated, facts: ModelFacts, total_ms: float
) -> TranslateResponse | TranslateBatchResponse:
    if request.text is not None:
        return TranslateResponse(
            outcome.texts[0], round(total_ms, 3), _execution(facts), outcome.warnings, *outcome.hypotheses
        )
    hypotheses = outcome.hypotheses or [[] for _ in outcome.texts]
    results = [Translation(text, others) for text, others in zip(outcome.texts, hypotheses, strict=True)]
    return TranslateBatchResponse(results, round(total_ms, 3), _execution(facts), outcome.warnings)


def embedded(outcome: Embedded, facts: ModelFacts | None, total_ms: float, cached: int = 0) -> EmbedResponse:
    """The rows of the float32 matrix. A large one takes a while: call it in a thread. `facts`: None where all was cached."""
    flat = array("f")
    flat.frombytes(outcome.vectors)
    width = outcome.dimensions
    rows = [flat[start : start + width].tolist() for start in range(0, len(flat), width)]
    execution = _execution(facts) if facts else None
    return EmbedResponse(rows, width, round(total_ms, 3), cached, execution, outcome.warnings)
