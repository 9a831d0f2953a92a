"""Turns generation requests into tokens and into what the library is asked. Computes no answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

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
    """What the library is asked, as JSON; `chat` where it applies the template itself: it has to take the answer apart into
    tool calls, or to put in the `images`."""

    body: dict[str, Any]
    prompt_tokens: int
    limit: int
    chat: bool = False
    warnings: list[str] = field(default_factory=list)
    images: bool = False


@dataclass(frozen=True)
class _Prompt:
    """What the model reads: `text` and its `tokens`, or with images only their number. `messages`: those that are left."""

    length: int
    text: str = ""
    tokens: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def images(self) -> bool:
        return any(message.images for message in self.messages)


class Prompts:
    """Prepares the requests to one model. `context`: tokens of prompt and answer together. `sees`: with a projector."""

    def __init__(self, model: str, door: SideDoor, context: int, *, chats: bool, sees: bool = False) -> None:
        self._model = model
        self._door = door
        self._context = context
        self._chats = chats
        self._sees = sees

    @property
    def weigher(self) -> SideDoor | None:
        """Where tokens are weighed, if not directly."""
        return self._door if self._sees else None

    @property
    def not_json(self) -> list[int]:
        """The tokens of a text that no JSON begins with."""
        return self._door.tokens(NOT_JSON, special=False)

    def question(self, request: Generate) -> Question:
        """Raises ContextExceeded unless the request lets the prompt be cut, InvalidRequest, Unsupported."""
        _check_shaping(request)
        sampling = request.sampling
        prompt = self._prompt(request)
        limit = answer_limit(sampling, prompt.length, self._context)
        chat = bool(request.tools) or prompt.images
        body = (
            _sampling(sampling) | _shaping(request, chat=chat) | {"max_tokens": limit, "stop": stop_strings(sampling)}
        )
        body |= {"stream": True, "return_progress": True, "timings_per_token": True, "cache_prompt": True}
        body |= self._asked(prompt, request) if chat else {"prompt": self._spelled(prompt)}
        warnings = prompt.warnings + room_warnings(sampling, limit, prompt.length) + _detail_warnings(prompt.messages)
        return Question(body, prompt.length, limit, chat, warnings, prompt.images)

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

    def _spelled(self, prompt: _Prompt) -> list[int] | str:
        """With a projector the library takes no tokens, only the text that it makes the same of."""
        return prompt.text if self._sees else prompt.tokens

    def _asked(self, prompt: _Prompt, request: Generate) -> dict[str, Any]:
        choice = {"tool_choice": request.tool_choice} if request.tools else {}
        return self._conversation(prompt.messages, request.tools) | choice

    def _prompt(self, request: Generate) -> _Prompt:
        """What is read of a request, without what does not fit."""
        if request.messages is None:
            if request.tools:
                raise InvalidRequest(reason="tools go with messages, not with a prompt")
            return self._plain(request)
        prompt = self._read(request.messages, request.tools)
        if not request.truncate or not self._too_long(request.sampling, prompt):
            return prompt
        kept = list(request.messages)
        while self._over(request.sampling, prompt) and (shorter := without_oldest_turn(kept)) != kept:
            kept = shorter
            prompt = self._read(kept, request.tools)
        dropped = len(request.messages) - len(kept)
        warnings = [f"The oldest {dropped} messages were dropped: the context is too small."] if dropped else []
        if self._too_long(request.sampling, prompt):
            prompt = self._cut_last_message(request, prompt)
        return replace(prompt, warnings=warnings + prompt.warnings)

    def _plain(self, request: Generate) -> _Prompt:
        text = request.prompt or ""
        tokens = self._tokens(text)
        prompt = _Prompt(len(tokens), text, tokens)
        if not request.truncate or not self._too_long(request.sampling, prompt):
            return prompt
        bare = self._door.tokens(text, special=False)
        added = len(tokens) - len(bare)  # a token for the beginning of the text stays in front
        left = bare[-max(1, prompt_budget(request.sampling, self._context) - added) :]
        kept = tokens[:added] + left
        warning = f"The first {prompt.length - len(kept)} tokens of the prompt were dropped: the context is too small."
        return _Prompt(len(kept), self._door.text(left), kept, warnings=[warning])

    def _cut_last_message(self, request: Generate, prompt: _Prompt) -> _Prompt:
        """Drop the beginning of the last message. What the template adds around it stays. An image cannot be cut."""
        *before, last = prompt.messages
        content = [] if last.images else self._door.tokens(last.text, special=False)
        while content and (excess := prompt.length - prompt_budget(request.sampling, self._context)) > 0:
            content = content[excess:]
            prompt = self._read(
                [*before, msgspec.structs.replace(last, content=self._door.text(content))], request.tools
            )
        if not content:
            raise ContextExceeded(prompt_tokens=prompt.length, context_tokens=self._context)
        return replace(prompt, warnings=["The beginning of the last message was dropped: the context is too small."])

    def _read(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> _Prompt:
        if any(message.images for message in messages):
            return _Prompt(self._door.length(self._conversation(messages, tools)), messages=messages)
        text = self._rendered(messages, tools)
        tokens = self._tokens(text)
        return _Prompt(len(tokens), text, tokens, messages)

    def _rendered(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> str:
        if not self._chats:
            raise Unsupported(model=self._model, reason="it has no chat template; send a prompt instead of messages")
        return self._door.rendered(self._conversation(messages, tools))

    def _conversation(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> dict[str, Any]:
        spoken = msgspec.to_builtins(messages)
        return {"messages": spoken, "reasoning_format": "none"} | ({"tools": tools} if tools else {})

    def _tokens(self, text: str) -> list[int]:
        tokens = self._door.tokens(text)
        if not tokens:
            raise InvalidRequest(reason="the prompt is empty")
        return tokens

    def _too_long(self, sampling: Sampling, prompt: _Prompt) -> bool:
        return needs_cut(sampling, prompt.length, self._context)

    def _over(self, sampling: Sampling, prompt: _Prompt) -> bool:
        return prompt.length > prompt_budget(sampling, self._context)


def _check_shaping(request: Generate) -> None:
    """Raises InvalidRequest where fields contradict each other."""
    given = [name for name in ("json_schema", "grammar", "tools") if getattr(request, name) is not None]
    if len(given) > 1:
        raise InvalidRequest(reason=f"{' and '.join(given)} cannot be used together")
    if (request.grammar or "").lstrip().startswith("%"):
        raise InvalidRequest(reason="grammar: only GBNF is taken")


def _detail_warnings(messages: list[Message]) -> list[str]:
    asked = any(url.detail != "auto" for message in messages for url in message.images)
    return ["detail was not used: the projector reads every image in its own size."] if asked else []


def _shaping(request: Generate, *, chat: bool) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if request.json_schema is not None:
        body["json_schema"] = request.json_schema
    if request.grammar is not None:
        body["grammar"] = request.grammar
    if request.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": max(1, request.logprobs)} if chat else {}
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
