"""From token vectors to one vector per text with numpy, as a model's sentence-transformers files configure it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from sidecar.engines.ctranslate2.activations import ACTIVATIONS
from sidecar.engines.sentence_modules import Dense, PoolingPlan, read_plan

Step = Callable[[np.ndarray], np.ndarray]


class Pooling:
    """The modes' results side by side, then the steps that follow."""

    def __init__(self, name: str, folder: Path) -> None:
        self.plan: PoolingPlan = read_plan(name, folder)
        self._steps = [_dense(step) if isinstance(step, Dense) else _normalize for step in self.plan.steps]

    def __call__(self, hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """`hidden`: shape (rows, tokens, size); `mask`: (rows, tokens), 1 where there is a token. Shape (rows, size)."""
        vectors = np.concatenate([MODES[mode](hidden, mask) for mode in self.plan.modes], axis=-1)
        for step in self._steps:
            vectors = step(vectors)
        return vectors


def _dense(step: Dense) -> Step:
    tensors = load_file(step.weights)
    weight = tensors["linear.weight"].astype(np.float32)
    bias = tensors.get("linear.bias", np.zeros(len(weight))).astype(np.float32)
    return lambda vectors: ACTIVATIONS[step.activation](vectors @ weight.T + bias)


def _normalize(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _first(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return hidden[:, 0]


def _last(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.asarray(hidden[np.arange(len(hidden)), mask.sum(axis=1).astype(int) - 1])


def _sum(hidden: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(np.matmul(weights[:, None, :], hidden)[:, 0])


def _count(weights: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(weights.sum(axis=1, keepdims=True), 1))


def _mean(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.asarray(_sum(hidden, mask) / _count(mask))


def _mean_by_root(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.asarray(_sum(hidden, mask) / np.sqrt(_count(mask)))


def _weighted_mean(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Later tokens weigh more: the n-th token weighs n."""
    return _mean(hidden, mask * np.arange(1, mask.shape[1] + 1, dtype=np.float32))


def _max(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(mask[:, :, None] == 0, -np.inf, hidden).max(axis=1))


MODES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cls": _first,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_by_root,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
