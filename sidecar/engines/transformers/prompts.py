"""Turns generation requests into token prompts with all that the generator has to know."""

from __future__ import annotations

import secrets
from typing import Any

from sidecar.engines.base import Prompt
from sidecar.engines.limits import room_warnings, stop_strings
from sidecar.engines.prompt_tokens import PromptReader
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.sampling import resolve
from sidecar.runtime.protocol import Generate

MAX_SEED = 2**63


class Prompts:
    """Prepares the prompts of one generative model. `defaults` is its generation config as it came."""

    def __init__(self, loaded: LoadedModel, defaults: Any) -> None:
        self._tokenizer = loaded.tokenizer
        self._defaults = defaults
        self._reader = PromptReader(
            loaded.name,
            loaded.tokenizer,
            context_length(loaded),
            encoder_decoder=bool(loaded.config.is_encoder_decoder),
            room=decoder_room(loaded),
            beginning=defaults.bos_token_id,
        )

    def prepare(self, request: Generate) -> Prompt:
        """Raises ContextExceeded unless the request lets the prompt be cut, InvalidRequest, Unsupported."""
        sampling = resolve(request.sampling, self._defaults)
        tokens, warnings = self._reader.read(request, sampling)
        limit = self._reader.limit(sampling, len(tokens))
        return Prompt(
            token_ids=tokens,
            limit=limit,
            end_ids=self._end_ids(chat=request.messages is not None),
            decode=self._reader.decode,
            sampling=sampling,
            seed=secrets.randbelow(MAX_SEED) if sampling.seed is None else sampling.seed,
            stop=stop_strings(sampling) + list(self._defaults.stop_strings or []),
            warnings=warnings + room_warnings(sampling, limit, len(tokens)),
        )

    def _end_ids(self, *, chat: bool) -> frozenset[int]:
        ends = end_ids(self._defaults)
        own = self._tokenizer.eos_token_id
        # Many chat models end a turn with the tokenizer's token while their configuration names only the text's end.
        return ends | {own} if chat and own is not None else ends


def end_ids(generation_config: Any) -> frozenset[int]:
    """The tokens that end an answer: one, several or none."""
    ends = generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])


def decoder_room(loaded: LoadedModel) -> int | None:
    """Tokens that the decoder of an encoder-decoder can produce, None where its positions have no end (as in T5)."""
    names = ("max_position_embeddings", "max_target_positions")
    lengths = [value for name in names if isinstance(value := getattr(loaded.config, name, None), int)]
    return min(lengths) - 1 if lengths else None
