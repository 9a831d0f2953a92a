"""Turns generation requests into tokens and into what the library is asked. Computes no answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from sidecar.engines.limits import answer_limit, needs_cut, prompt_budget, room_warnings, stop_strings
from sidecar.engines.llamacpp.schemas import NOT_JSON
from sidecar.engines.llamacpp.side_door import SideDoor
from sidecar.engines.turns import without_oldest_turn
from sidecar.errors import ContextExceeded, InvalidRequest, Unsupported
from sidecar.runtime.protocol import Decide, Generate
from sidecar.types import Message, Sampling

MAX_SEED = 2**32 - 1  # that number itself means random to the library
WHOLE_CONTEXT = -1


@dataclass(frozen=True)
class Question:
    """What the library is asked, as JSON; `chat` where it has to take the answer apart into tool calls."""

    body: dict[str, Any]
    prompt_tokens: int
    limit: int
    chat: bool = False
    warnings: list[str] = field(default_factory=list)


class Prompts:
    """Prepares the requests to one model. `context`: tokens of prompt and answer together."""

    def __init__(self, model: str, door: SideDoor, context: int, *, chats: bool) -> None:
        self._model = model
        self._door = door
        self._context = context
        self._chats = chats

    @property
    def not_json(self) -> list[int]:
        """The tokens of a text that no JSON begins with."""
        return self._door.tokens(NOT_JSON, special=False)

    def question(self, request: Generate) -> Question:
        """Raises ContextExceeded unless the request lets the prompt be cut, InvalidRequest, Unsupported."""
        _check_shaping(request)
        sampling = request.sampling
        tokens, warnings, messages = self._prompt(request)
        limit = answer_limit(sampling, len(tokens), self._context)
        body = _sampling(sampling) | _shaping(request) | {"max_tokens": limit, "stop": stop_strings(sampling)}
        body |= {"stream": True, "return_progress": True, "timings_per_token": True, "cache_prompt": True}
        if request.tools:
            body |= self._conversation(messages, request.tools) | {"tool_choice": request.tool_choice}
        else:
            body["prompt"] = tokens
        warnings += room_warnings(sampling, limit, len(tokens))
        return Question(body, len(tokens), limit, bool(request.tools), warnings)

    def decision(self, request: Decide) -> tuple[list[int], list[list[int]]]:
        """The tokens of the prompt and of each label. Raises ContextExceeded, InvalidRequest."""
        if len(set(request.labels)) < len(request.labels) or "" in request.labels:
            raise InvalidRequest(reason="labels must differ from each other and not be empty")
        chat = request.messages is not None
        text = self._rendered(request.messages or [], None) if chat else request.prompt or ""
        prompt = self._tokens(text)
        labels = [self._door.tokens(label, special=False) for label in request.labels]
        longest = max(map(len, labels))
        if len(prompt) + longest >= self._context:
            raise ContextExceeded(prompt_tokens=len(prompt) + longest, context_tokens=self._context)
        return prompt, labels

    def _prompt(self, request: Generate) -> tuple[list[int], list[str], list[Message]]:
        """The tokens, what was dropped of them, and the messages that are left."""
        if request.messages is None:
            if request.tools:
                raise InvalidRequest(reason="tools go with messages, not with a prompt")
            return *self._plain(request), []
        kept = list(request.messages)
        tokens = self._tokens(self._rendered(kept, request.tools))
        if not request.truncate or not self._too_long(request.sampling, tokens):
            return tokens, [], kept
        while self._over(request.sampling, tokens) and (shorter := without_oldest_turn(kept)) != kept:
            kept = shorter
            tokens = self._tokens(self._rendered(kept, request.tools))
        warnings = [f"The oldest {len(request.messages) - len(kept)} messages were dropped: the context is too small."]
        if not self._too_long(request.sampling, tokens):
            return tokens, warnings, kept
        return self._cut_last_message(request, kept, warnings if len(kept) < len(request.messages) else [])

    def _plain(self, request: Generate) -> tuple[list[int], list[str]]:
        tokens = self._tokens(request.prompt or "")
        if not request.truncate or not self._too_long(request.sampling, tokens):
            return tokens, []
        bare = self._door.tokens(request.prompt or "", special=False)
        added = len(tokens) - len(bare)  # a token for the beginning of the text stays in front
        budget = prompt_budget(request.sampling, self._context)
        kept = tokens[:added] + bare[-max(1, budget - added) :]
        dropped = len(tokens) - len(kept)
        return kept, [f"The first {dropped} tokens of the prompt were dropped: the context is too small."]

    def _cut_last_message(
        self, request: Generate, messages: list[Message], warnings: list[str]
    ) -> tuple[list[int], list[str], list[Message]]:
        """Drop the beginning of the last message. What the template adds around it stays."""
        *before, last = messages
        content = self._door.tokens(last.content, special=False)
        tokens = self._tokens(self._rendered(messages, request.tools))
        while content and (excess := len(tokens) - prompt_budget(request.sampling, self._context)) > 0:
            content = content[excess:]
            messages = [*before, Message(last.role, self._door.text(content))]
            tokens = self._tokens(self._rendered(messages, request.tools))
        if not content:
            raise ContextExceeded(prompt_tokens=len(tokens), context_tokens=self._context)
        return tokens, [*warnings, "The beginning of the last message was dropped: the context is too small."], messages

    def _rendered(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> str:
        if not self._chats:
            raise Unsupported(model=self._model, reason="it has no chat template; send a prompt instead of messages")
        return self._door.rendered(self._conversation(messages, tools))

    def _conversation(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> dict[str, Any]:
        spoken = [{"role": message.role, "content": message.content} for message in messages]
        return {"messages": spoken, "reasoning_format": "none"} | ({"tools": tools} if tools else {})

    def _tokens(self, text: str) -> list[int]:
        tokens = self._door.tokens(text)
        if not tokens:
            raise InvalidRequest(reason="the prompt is empty")
        return tokens

    def _too_long(self, sampling: Sampling, tokens: list[int]) -> bool:
        return needs_cut(sampling, len(tokens), self._context)

    def _over(self, sampling: Sampling, tokens: list[int]) -> bool:
        return len(tokens) > prompt_budget(sampling, self._context)


def _check_shaping(request: Generate) -> None:
    """Raises InvalidRequest where fields contradict each other."""
    given = [name for name in ("json_schema", "grammar", "tools") if getattr(request, name) is not None]
    if len(given) > 1:
        raise InvalidRequest(reason=f"{' and '.join(given)} cannot be used together")
    if (request.grammar or "").lstrip().startswith("%"):
        raise InvalidRequest(reason="grammar: only GBNF is taken")


def _shaping(request: Generate) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if request.json_schema is not None:
        body["json_schema"] = request.json_schema
    if request.grammar is not None:
        body["grammar"] = request.grammar
    if request.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": max(1, request.logprobs)} if request.tools else {}
        body["n_probs"] = max(1, request.logprobs)
    return body


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """In the order of the other engines: penalty, the most likely, temperature, the nucleus, the minimum."""
    seed = secrets.randbelow(MAX_SEED) if sampling.seed is None else sampling.seed % MAX_SEED
    body: dict[str, Any] = {"seed": seed, "repeat_penalty": sampling.repetition_penalty or 1.0}
    penalty = ["penalties"] if body["repeat_penalty"] != 1.0 else []
    body["repeat_last_n"] = WHOLE_CONTEXT if penalty else 0
    if not sampling.temperature:
        return body | {"temperature": 0.0, "top_k": 1, "samplers": [*penalty, "top_k"]}
    return body | {
        "temperature": sampling.temperature,
        "top_k": sampling.top_k or 0,
        "top_p": sampling.top_p or 1.0,
        "min_p": sampling.min_p or 0.0,
        "samplers": [*penalty, "top_k", "temperature", "top_p", "min_p"],
    }
