"""The activation functions of heads and dense modules, in numpy, by the names that model files give them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float32])  # only ever applied to one vector per text

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Identity": lambda values: values,
    "Tanh": np.tanh,
    "ReLU": lambda values: np.maximum(values, 0),
    "GELU": lambda values: values * 0.5 * (1 + _erf(values / math.sqrt(2))),
    "Sigmoid": lambda values: 1 / (1 + np.exp(-values)),
}
