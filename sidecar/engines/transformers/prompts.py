"""Turns generation requests into token prompts: chat template, tokenizer, and what is cut when a prompt is too long."""

from __future__ import annotations

import secrets
from typing import Any

from msgspec.structs import replace

from sidecar.engines.base import Prompt
from sidecar.engines.limits import answer_limit, needs_cut, prompt_budget, room_warnings, stop_strings
from sidecar.engines.templates import render
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.sampling import resolve
from sidecar.engines.turns import without_oldest_turn
from sidecar.errors import ContextExceeded, InvalidRequest
from sidecar.runtime.protocol import Generate
from sidecar.types import Message, Sampling

MAX_SEED = 2**63


class Prompts:
    """Prepares the prompts of one generative model. `defaults` is its generation config as it came."""

    def __init__(self, loaded: LoadedModel, defaults: Any) -> None:
        self._loaded = loaded
        self._tokenizer = loaded.tokenizer
        self._defaults = defaults
        self._context = context_length(loaded)
        self._encoder_decoder = bool(loaded.config.is_encoder_decoder)

    def prepare(self, request: Generate) -> Prompt:
        """Raises ContextExceeded unless the request lets the prompt be cut, InvalidRequest, Unsupported."""
        sampling = resolve(request.sampling, self._defaults)
        if request.messages is not None:
            tokens, warnings = self._chat(request.messages, sampling, truncate=request.truncate)
        else:
            tokens, warnings = self._plain(request.prompt or "", sampling, truncate=request.truncate)
        limit = self._limit(sampling, len(tokens))
        return Prompt(
            token_ids=tokens,
            limit=limit,
            end_ids=self._end_ids(chat=request.messages is not None),
            decode=self.decode,
            sampling=sampling,
            seed=secrets.randbelow(MAX_SEED) if sampling.seed is None else sampling.seed,
            stop=stop_strings(sampling) + list(self._defaults.stop_strings or []),
            warnings=warnings + room_warnings(sampling, limit, len(tokens)),
        )

    def decode(self, tokens: list[int]) -> str:
        """Text without special tokens, and without the clean-up of spaces, which would change text already sent."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _limit(self, sampling: Sampling, prompt_tokens: int) -> int:
        if not self._encoder_decoder:
            return answer_limit(sampling, prompt_tokens, self._context)
        if self._context is not None and prompt_tokens > self._context:
            raise ContextExceeded(prompt_tokens=prompt_tokens, context_tokens=self._context)
        return min(answer_limit(sampling, prompt_tokens, None), decoder_room(self._loaded) or MAX_SEED)

    def _end_ids(self, *, chat: bool) -> frozenset[int]:
        ends = end_ids(self._defaults)
        own = self._tokenizer.eos_token_id
        # Many chat models end a turn with the tokenizer's token while their configuration names only the text's end.
        return ends | {own} if chat and own is not None else ends

    def _plain(self, text: str, sampling: Sampling, *, truncate: bool) -> tuple[list[int], list[str]]:
        tokens = self._tokens(text, special=True)
        if not truncate or not self._too_long(sampling, tokens):
            return self._not_empty(tokens), []
        if self._encoder_decoder:
            return self._cut_end(text)
        budget = self._budget(sampling)
        bare = self._tokens(text, special=False)
        added = len(tokens) - len(bare)  # a token for the beginning of the text stays in front
        kept = tokens[:added] + bare[-max(1, budget - added) :]
        return kept, [
            f"The first {len(tokens) - len(kept)} tokens of the prompt were dropped: the context is too small."
        ]

    def _chat(self, messages: list[Message], sampling: Sampling, *, truncate: bool) -> tuple[list[int], list[str]]:
        tokens = self._rendered(messages)
        if not truncate or not self._too_long(sampling, tokens):
            return tokens, []
        kept = list(messages)
        while len(tokens) > self._budget(sampling) and (shorter := without_oldest_turn(kept)) != kept:
            kept = shorter
            tokens = self._rendered(kept)
        warnings = [f"The oldest {len(messages) - len(kept)} messages were dropped: the context is too small."]
        if not self._too_long(sampling, tokens):
            return tokens, warnings
        return self._cut_last_message(kept, sampling, warnings if len(kept) < len(messages) else [])

    def _cut_last_message(
        self, messages: list[Message], sampling: Sampling, warnings: list[str]
    ) -> tuple[list[int], list[str]]:
        """Drop the beginning of the last message. What the template adds around it stays."""
        *before, last = messages
        content = self._tokens(last.text, special=False)
        excess = len(self._rendered(messages)) - self._budget(sampling)
        while content and excess > 0:
            content = content[excess:]
            tokens = self._rendered([*before, replace(last, content=self.decode(content))])
            excess = len(tokens) - self._budget(sampling)
        if not content:
            raise ContextExceeded(prompt_tokens=len(self._rendered(messages)), context_tokens=self._context)
        return tokens, [*warnings, "The beginning of the last message was dropped: the context is too small."]

    def _cut_end(self, text: str) -> tuple[list[int], list[str]]:
        tokens = self._tokenizer(text, truncation=True, max_length=self._context)["input_ids"]
        return list(tokens), ["The end of the prompt was dropped: it is longer than the model's context."]

    def _rendered(self, messages: list[Message]) -> list[int]:
        return self._tokens(render(self._loaded.name, self._tokenizer, messages), special=False)

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])

    def _not_empty(self, tokens: list[int]) -> list[int]:
        """An empty prompt begins with the token that begins or ends texts."""
        if tokens:
            return tokens
        if self._defaults.bos_token_id is None:
            raise InvalidRequest(reason="the prompt is empty")
        return [self._defaults.bos_token_id]

    def _too_long(self, sampling: Sampling, tokens: list[int]) -> bool:
        if self._encoder_decoder:
            return self._context is not None and len(tokens) > self._context
        return needs_cut(sampling, len(tokens), self._context)

    def _budget(self, sampling: Sampling) -> int:
        if self._encoder_decoder and self._context is not None:
            return self._context
        return prompt_budget(sampling, self._context or sampling.max_length or 1)


def end_ids(generation_config: Any) -> frozenset[int]:
    """The tokens that end an answer: one, several or none."""
    ends = generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])


def decoder_room(loaded: LoadedModel) -> int | None:
    """Tokens that the decoder of an encoder-decoder can produce, None where its positions have no end (as in T5)."""
    names = ("max_position_embeddings", "max_target_positions")
    lengths = [value for name in names if isinstance(value := getattr(loaded.config, name, None), int)]
    return min(lengths) - 1 if lengths else None
