"""Embedding requests: what was embedded before comes from the cache, only the rest goes to a worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sidecar.metrics import Metrics
from sidecar.registry.store import ModelVersion
from sidecar.runtime.cut_texts import cut_warnings
from sidecar.runtime.embedding_cache import EmbeddingCache
from sidecar.runtime.protocol import Embedded, ModelFacts
from sidecar.types import EmbedRequest

FLOAT_BYTES = LIMIT_BYTES = 4
FORM = 3  # of what is kept: a cache on disk may hold older ones
Compute = Callable[[list[str]], Awaitable[tuple[Embedded, ModelFacts]]]


class Embedding:
    """`engine(version)` names the one that would compute: two engines' vectors differ a little and are kept apart, as those
    of exact and of rounded weights are."""

    def __init__(self, cache: EmbeddingCache, metrics: Metrics, engine: Callable[[ModelVersion], str]) -> None:
        self._cache = cache
        self._metrics = metrics
        self._engine = engine

    async def embed(
        self, version: ModelVersion, request: EmbedRequest, compute: Compute
    ) -> tuple[Embedded, int, ModelFacts | None]:
        """All vectors in the texts' order, how many texts came from the cache, and of the model that computed the others.

        Equal texts are computed once.
        What is kept of a text tells whether it was cut: the warning comes back with it, and it answers only who allows cutting.
        """
        made_by = f"{version.version}/{self._engine(version)}/{version.options.quantization or 'auto'}"
        scope = f"{FORM}/{made_by}/{request.normalize}/{request.dimensions}"
        found = await self._cache.find(scope, request.texts)
        known = {text: kept for text, kept in found.items() if request.truncate or not _limit(kept)}
        unseen = [text for text in dict.fromkeys(request.texts) if text not in known]
        cached = sum(text in known for text in request.texts)
        self._count(version.model, cached, len(request.texts) - cached)
        if not unseen:
            return _together(request.texts, known, Embedded(b"", 0, 0)), cached, None
        outcome, facts = await compute(unseen)
        fresh = _apart(unseen, outcome)
        await self._cache.keep(scope, fresh)
        return _together(request.texts, known | fresh, outcome), cached, facts

    def _count(self, model: str, hits: int, misses: int) -> None:
        self._metrics.embedding_cache.labels(model, "hit").inc(hits)
        self._metrics.embedding_cache.labels(model, "miss").inc(misses)


def _apart(texts: list[str], outcome: Embedded) -> dict[str, bytes]:
    """What is kept, by text: how many tokens were read of one that was cut, or 0, and its vector."""
    width, cut = outcome.dimensions * FLOAT_BYTES, set(outcome.cut)
    return {
        text: (outcome.limit if index in cut else 0).to_bytes(LIMIT_BYTES, "little")
        + outcome.vectors[index * width : (index + 1) * width]
        for index, text in enumerate(texts)
    }


def _together(texts: list[str], kept: dict[str, bytes], outcome: Embedded) -> Embedded:
    limits = [limit for text in texts if (limit := _limit(kept[text]))]
    return Embedded(
        vectors=b"".join(kept[text][LIMIT_BYTES:] for text in texts),
        dimensions=(len(kept[texts[0]]) - LIMIT_BYTES) // FLOAT_BYTES,
        tokens=outcome.tokens,
        queue_ms=outcome.queue_ms,
        warnings=cut_warnings(len(limits), next(iter(limits), None)),
    )


def _limit(kept: bytes) -> int:
    """How many tokens were read of a text that was cut, or 0."""
    return int.from_bytes(kept[:LIMIT_BYTES], "little")
