"""A request's prompt as tokens: chat template, tokenizer, and what is cut when it is too long. Knows no engine library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from sidecar.engines.limits import answer_limit, needs_cut, prompt_budget
from sidecar.engines.templates import render
from sidecar.engines.turns import without_oldest_turn
from sidecar.errors import ContextExceeded, InvalidRequest
from sidecar.runtime.protocol import Generate
from sidecar.types import Message, Sampling

PromptTokens = tuple[list[int], list[str]]  # and the warnings about what was cut


@dataclass(frozen=True)
class PromptReader:
    """Of one model. `context`: tokens it reads, with a decoder-only model's answer; `room`: those an encoder-decoder can
    write, None without end; `beginning`: the token that stands for an empty prompt."""

    name: str
    tokenizer: Any
    context: int | None
    encoder_decoder: bool
    room: int | None
    beginning: int | None

    def read(self, request: Generate, sampling: Sampling) -> PromptTokens:
        """Raises ContextExceeded where a cut is of no help, InvalidRequest, Unsupported."""
        if request.messages is not None:
            return self._chat(request.messages, sampling, truncate=request.truncate)
        return self._plain(request.prompt or "", sampling, truncate=request.truncate)

    def limit(self, sampling: Sampling, prompt_tokens: int) -> int:
        """Tokens that the answer may have. Raises ContextExceeded, InvalidRequest."""
        if not self.encoder_decoder:
            return answer_limit(sampling, prompt_tokens, self.context)
        if self.context is not None and prompt_tokens > self.context:
            raise ContextExceeded(prompt_tokens=prompt_tokens, context_tokens=self.context)
        limit = answer_limit(sampling, prompt_tokens, None)
        return min(limit, self.room or limit)

    def decode(self, tokens: list[int]) -> str:
        """Text without special tokens, and without the clean-up of spaces, which would change text already sent."""
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _plain(self, text: str, sampling: Sampling, *, truncate: bool) -> PromptTokens:
        tokens = self._tokens(text, special=True)
        if not truncate or not self._too_long(sampling, tokens):
            return self._not_empty(tokens), []
        if self.encoder_decoder:
            return self._cut_end(text)
        budget = self._budget(sampling)
        bare = self._tokens(text, special=False)
        added = len(tokens) - len(bare)  # a token for the beginning of the text stays in front
        kept = tokens[:added] + bare[-max(1, budget - added) :]
        return kept, [
            f"The first {len(tokens) - len(kept)} tokens of the prompt were dropped: the context is too small."
        ]

    def _chat(self, messages: list[Message], sampling: Sampling, *, truncate: bool) -> PromptTokens:
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

    def _cut_last_message(self, messages: list[Message], sampling: Sampling, warnings: list[str]) -> PromptTokens:
        """Drop the beginning of the last message. What the template adds around it stays."""
        *before, last = messages
        content = self._tokens(last.text, special=False)
        excess = len(self._rendered(messages)) - self._budget(sampling)
        while content and excess > 0:
            content = content[excess:]
            tokens = self._rendered([*before, replace(last, content=self.decode(content))])
            excess = len(tokens) - self._budget(sampling)
        if not content:
            raise ContextExceeded(prompt_tokens=len(self._rendered(messages)), context_tokens=self.context)
        return tokens, [*warnings, "The beginning of the last message was dropped: the context is too small."]

    def _cut_end(self, text: str) -> PromptTokens:
        tokens = self.tokenizer(text, truncation=True, max_length=self.context)["input_ids"]
        return list(tokens), ["The end of the prompt was dropped: it is longer than the model's context."]

    def _rendered(self, messages: list[Message]) -> list[int]:
        return self._tokens(render(self.name, self.tokenizer, messages), special=False)

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])

    def _not_empty(self, tokens: list[int]) -> list[int]:
        if tokens:
            return tokens
        if self.beginning is None:
            raise InvalidRequest(reason="the prompt is empty")
        return [self.beginning]

    def _too_long(self, sampling: Sampling, tokens: list[int]) -> bool:
        if self.encoder_decoder:
            return self.context is not None and len(tokens) > self.context
        return needs_cut(sampling, len(tokens), self.context)

    def _budget(self, sampling: Sampling) -> int:
        if self.encoder_decoder and self.context is not None:
            return self.context
        return prompt_budget(sampling, self.context or sampling.max_length or 1)
