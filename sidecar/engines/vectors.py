"""From pooled vectors to the answer: normalising and shortening, the same for every engine. Needs numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from sidecar.engines.base import Encoding
from sidecar.errors import InvalidRequest
from sidecar.runtime.protocol import Embed, Embedded


def check_dimensions(request: Embed, dimensions: int) -> None:
    """Raises InvalidRequest where more are wanted than the model's vectors have."""
    if request.dimensions is not None and request.dimensions > dimensions:
        raise InvalidRequest(reason=f"dimensions is {request.dimensions}, but the model's vectors have {dimensions}")


def embedded(request: Embed, encoding: Encoding, rows: list[Any]) -> Embedded:
    """The answer from pooled vectors: shortened first, then normalised, as the request wants.

    Which texts were cut is told in figures: the service says it in words, of what it remembers too.
    """
    vectors = np.stack(rows).astype(np.float32)[:, : request.dimensions]
    if request.normalize:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return Embedded(
        vectors=np.ascontiguousarray(vectors).tobytes(),
        dimensions=vectors.shape[1],
        tokens=encoding.tokens,
        cut=encoding.cut,
        limit=max((encoding.lengths[index] for index in encoding.cut), default=0),
    )
