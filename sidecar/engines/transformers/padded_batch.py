"""Rows of a decoder-only model that are stepped together and may join and leave at any step.

The cache is one tensor pair per layer, padded on the left, so that the newest token of every row stands in the last
column. Valid only where `can_join` says so; everything else is a `Cohort`.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache, GenerationMixin
from transformers.cache_utils import DynamicLayer

from sidecar.engines.base import Answer
from sidecar.engines.transformers.preparation import last_logits
from sidecar.engines.transformers.processors import Processors
from sidecar.engines.transformers.sampling import choose


def can_join(model: Any) -> bool:
    """Whether positions are passed in and the cache is nothing but keys and values of the whole past, on every layer."""
    if model.config.is_encoder_decoder or not model._supports_default_dynamic_cache():
        return False
    layers = DynamicCache(config=model.config.get_text_config(decoder=True)).layers
    own_inputs = type(model).prepare_inputs_for_generation is not GenerationMixin.prepare_inputs_for_generation
    takes_positions = "position_ids" in inspect.signature(model.forward).parameters
    return takes_positions and not own_inputs and all(type(layer) is DynamicLayer for layer in layers)


class LibraryPast:
    """The library's cache of one sequence."""

    def __init__(self) -> None:
        self.cache = DynamicCache()

    @property
    def length(self) -> int:
        return int(self.cache.get_seq_length())

    def beginning(self, length: int) -> LibraryPast:
        """A copy of the first `length` tokens."""
        return _cut(self.cache, slice(1), slice(length))


class PaddedBatch:
    """The running rows of a model. `lengths[i]` counts the tokens of row i that are in the cache."""

    def __init__(self, model: Any) -> None:
        self.answers: list[Answer] = []
        self._model = model
        self._lengths: list[int] = []
        self._processors: list[Processors] = []
        self._cache: Any = None

    def join(self, answer: Answer, past: LibraryPast, processors: Processors) -> None:
        """Take in one row whose prompt was read."""
        length = past.length  # before its cache becomes that of all
        if self._cache is None:
            self._cache = past.cache
        else:
            _merge(self._cache, past.cache)
        self.answers.append(answer)
        self._lengths.append(length)
        self._processors.append(processors)

    @property
    def token_bytes(self) -> int:
        """Keys and values of one token of one row in all layers."""
        parts = [part for layer in self._cache.layers for part in (layer.keys, layer.values)]
        return sum(part[0, :, 0].nbytes for part in parts)

    def copy_of(self, row: int) -> LibraryPast:
        """A row as a sequence of its own, without padding."""
        return _cut(self._cache, slice(row, row + 1), slice(-self._lengths[row], None))

    def read(self, row: int) -> list[int]:
        """The tokens of a row that are in the cache; none where an error left its layers unequal."""
        answer, width = self.answers[row], max(self._lengths)
        if any(layer.keys.shape[-2] != width for layer in self._cache.layers):
            return []
        return (answer.prompt.token_ids + answer.generated)[: self._lengths[row]]

    def step(self) -> dict[int, int]:
        """The next token of each row, by the answer's key."""
        device = self._model.device
        outputs = self._model(
            input_ids=torch.tensor([[answer.generated[-1]] for answer in self.answers], device=device),
            attention_mask=self._mask(device),
            position_ids=torch.tensor(self._lengths, device=device)[:, None],
            past_key_values=self._cache,
            use_cache=True,
            return_dict=True,
        )
        self._lengths = [length + 1 for length in self._lengths]
        scores = self._process(last_logits(outputs))
        return {answer.key: token for answer, token in zip(self.answers, choose(self.answers, scores), strict=True)}

    def drop(self, keys: set[int]) -> None:
        """Let rows leave, and cut the padding that no row needs any more."""
        rows = [row for row, answer in enumerate(self.answers) if answer.key not in keys]
        self.answers = [self.answers[row] for row in rows]
        self._lengths = [self._lengths[row] for row in rows]
        self._processors = [self._processors[row] for row in rows]
        if rows:
            _trim(self._cache, rows, max(self._lengths))
        else:
            self._cache = None

    def _mask(self, device: torch.device) -> torch.Tensor | None:
        """Ones where a row has tokens, the new one included, shape (rows, columns); None where nothing is padded."""
        width = max(self._lengths)
        if min(self._lengths) == width:
            return None
        padding = torch.tensor([width - length for length in self._lengths], device=device)
        return (torch.arange(width + 1, device=device) >= padding[:, None]).long()

    def _process(self, logits: torch.Tensor) -> torch.Tensor:
        """Apply each row's own processors; most models and requests have none."""
        for row, (answer, processors) in enumerate(zip(self.answers, self._processors, strict=True)):
            if processors:
                ids = torch.tensor([answer.prompt.token_ids + answer.generated], device=logits.device)
                logits[row : row + 1] = processors(ids, logits[row : row + 1])
        return logits


def _cut(cache: Any, rows: slice, columns: slice) -> LibraryPast:
    """A copy of a part of one row."""
    past = LibraryPast()
    for index, layer in enumerate(cache.layers):
        past.cache.update(layer.keys[rows, :, columns], layer.values[rows, :, columns], index)  # copies
    return past


def _merge(cache: Any, joining: Any) -> None:
    """Append the rows of `joining` to `cache`, padding the narrower one on the left."""
    layers = list(zip(cache.layers, joining.layers, strict=True))
    # All is computed before any is replaced: when memory runs out, the running rows stay as they are.
    merged = [(_stack(old.keys, new.keys), _stack(old.values, new.values)) for old, new in layers]
    for layer, (keys, values) in zip(cache.layers, merged, strict=True):
        layer.keys, layer.values = keys, values


def _stack(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Concatenate rows of shape (rows, heads, columns, size)."""
    width = max(first.shape[-2], second.shape[-2])
    return torch.cat([pad(part, (0, 0, width - part.shape[-2], 0)) for part in (first, second)])


def _trim(cache: Any, rows: list[int], width: int) -> None:
    """Keep the given rows and the last `width` columns. The layers may be on several devices."""
    for layer in cache.layers:
        layer.keys = layer.keys[rows, :, -width:].contiguous()
        layer.values = layer.values[rows, :, -width:].contiguous()
