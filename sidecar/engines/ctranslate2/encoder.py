"""A converted encoder: token lists to hidden states as numpy arrays."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import numpy as np

from sidecar.engines.ctranslate2.device import Placement, opened
from sidecar.engines.text_inputs import Inputs


class Encoder:
    """`token_types`: whether the model tells the first text of a pair from the second."""

    def __init__(self, folder: Path, placement: Placement, *, token_types: bool) -> None:
        self._encoder = opened(ctranslate2.Encoder, folder, placement)
        self._token_types = token_types

    def hidden(self, inputs: list[Inputs]) -> tuple[np.ndarray, np.ndarray]:
        """Hidden states, shape (rows, tokens, size) in float32, and the mask, (rows, tokens), 1 where there is a token."""
        ids = [row["input_ids"] for row in inputs]
        types = self._types(inputs)
        output = self._encoder.forward_batch(ids, token_type_ids=types) if types else self._encoder.forward_batch(ids)
        states = output.last_hidden_state
        if self._encoder.device != "cpu":
            states = states.to_device(ctranslate2.Device.cpu)
        lengths = np.array([len(row) for row in ids])
        hidden = np.asarray(states.to(ctranslate2.DataType.float32))
        return hidden, (np.arange(hidden.shape[1]) < lengths[:, None]).astype(np.float32)

    def _types(self, inputs: list[Inputs]) -> list[list[int]] | None:
        """Padded to one width, which the library wants here; zeros where the tokenizer makes none."""
        if not self._token_types:
            return None
        width = max(len(row["input_ids"]) for row in inputs)
        types = [row.get("token_type_ids", []) for row in inputs]
        return [row + [0] * (width - len(row)) for row in types]
