"""Embeddings from GGUF models: the library pools as the file says."""

from __future__ import annotations

import json

import numpy as np
import xllamacpp

from sidecar.engines.base import Encoding
from sidecar.engines.llamacpp.side_door import SideDoor, refusal
from sidecar.engines.padded import Unpadded
from sidecar.engines.vectors import check_dimensions, embedded
from sidecar.errors import ContextExceeded
from sidecar.runtime.protocol import Embed, Embedded


def within(tokens: list[int], limit: int, *, truncate: bool) -> list[int]:
    """The tokens, with `truncate` without those in the middle of the end: the last, special one stays. Raises ContextExceeded."""
    if len(tokens) <= limit:
        return tokens
    if not truncate:
        raise ContextExceeded(prompt_tokens=len(tokens), context_tokens=limit)
    return [*tokens[: limit - 1], tokens[-1]]


class Embedder(Unpadded):
    """`limit`: tokens that a text may have. `dimensions`: those of what comes out, which the header need not tell."""

    def __init__(self, server: xllamacpp.Server, door: SideDoor, limit: int) -> None:
        self._server = server
        self._door = door
        self._limit = limit
        self.dimensions = len(self.forward([door.tokens("a")])[0])

    def encode(self, request: Embed) -> Encoding:
        check_dimensions(request, self.dimensions)
        whole = [self._door.tokens(text) for text in request.texts]
        inputs = [within(tokens, self._limit, truncate=request.truncate) for tokens in whole]
        cut = [index for index, tokens in enumerate(whole) if len(tokens) > self._limit]
        return Encoding(inputs, [len(tokens) for tokens in inputs], cut=cut)

    def forward(self, inputs: list[list[int]]) -> list[np.ndarray]:
        answer = json.loads(self._server.handle_embeddings(json.dumps({"input": inputs}).encode()))
        if "data" not in answer:
            raise refusal(answer)
        rows = sorted(answer["data"], key=lambda row: row["index"])
        return [np.asarray(row["embedding"], dtype=np.float32) for row in rows]

    def outcome(self, request: Embed, encoding: Encoding, rows: list[np.ndarray]) -> Embedded:
        return embedded(request, encoding, rows)
