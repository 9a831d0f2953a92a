"""Scores of documents for a query, from models that were trained to give them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import xllamacpp

from sidecar.engines.base import Encoding
from sidecar.engines.llamacpp.side_door import SideDoor, refusal
from sidecar.engines.padded import Unpadded
from sidecar.errors import ContextExceeded
from sidecar.runtime.protocol import Rerank, Reranked

JOINTS = 4  # tokens that the library puts around query and document


@dataclass(frozen=True)
class Pair:
    query: str
    document: str


class Reranker(Unpadded):
    """`limit`: tokens of query and document together."""

    def __init__(self, server: xllamacpp.Server, door: SideDoor, limit: int) -> None:
        self._server = server
        self._door = door
        self._limit = limit

    def encode(self, request: Rerank) -> Encoding:
        """Raises ContextExceeded unless documents may be cut."""
        room = self._limit - JOINTS - len(self._tokens(request.query))
        found = [self._fitted(document, room, truncate=request.truncate) for document in request.documents]
        inputs = [Pair(request.query, document) for document, _ in found]
        lengths = [min(length, room) + self._limit - room for _, length in found]
        cut = sum(length > room for _, length in found)
        return Encoding(inputs, lengths, [f"{cut} documents were cut to fit the model."] if cut else [])

    def forward(self, inputs: list[Pair]) -> list[float]:
        scores: dict[Pair, float] = {}
        for query in dict.fromkeys(pair.query for pair in inputs):
            documents = list(dict.fromkeys(pair.document for pair in inputs if pair.query == query))
            body = {"query": query, "documents": documents, "top_n": len(documents)}
            answer = json.loads(self._server.handle_rerank(json.dumps(body).encode()))
            if "results" not in answer:
                raise refusal(answer)
            for row in answer["results"]:
                scores[Pair(query, documents[row["index"]])] = float(row["relevance_score"])
        return [scores[pair] for pair in inputs]

    def outcome(self, request: Rerank, encoding: Encoding, rows: list[float]) -> Reranked:
        return Reranked(rows, encoding.tokens, warnings=encoding.warnings)

    def _fitted(self, document: str, room: int, *, truncate: bool) -> tuple[str, int]:
        """The document, cut where it may be, and how many tokens all of it has."""
        tokens = self._tokens(document)
        if len(tokens) <= room:
            return document, len(tokens)
        if not truncate or room < 1:
            raise ContextExceeded(prompt_tokens=len(tokens) + self._limit - room, context_tokens=self._limit)
        return self._door.text(tokens[:room]), len(tokens)

    def _tokens(self, text: str) -> list[int]:
        return self._door.tokens(text, special=False)
