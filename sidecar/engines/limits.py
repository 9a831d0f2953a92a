"""How long an answer may be: the room that context, max_length and max_new_tokens leave. Knows no engine."""

from __future__ import annotations

from sidecar.errors import ContextExceeded, InvalidRequest
from sidecar.types import Sampling

DEFAULT_ANSWER = 1024
# A prompt that is cut leaves this much room for its answer, but never gives up more than a quarter of the context.
ROOM_AFTER_CUT = 256


def answer_limit(sampling: Sampling, prompt_tokens: int, context_length: int | None) -> int:
    """Tokens the answer may have, at least 1. Raises ContextExceeded, and InvalidRequest where max_length is too small."""
    if context_length is not None and prompt_tokens >= context_length:
        raise ContextExceeded(prompt_tokens=prompt_tokens, context_tokens=context_length)
    if sampling.max_length is not None and prompt_tokens >= sampling.max_length:
        raise InvalidRequest(
            reason=f"max_length allows {sampling.max_length} tokens, prompt and answer together,"
            f" and the prompt alone has {prompt_tokens}"
        )
    asked = _asked(sampling, prompt_tokens)
    return asked if context_length is None else min(asked, context_length - prompt_tokens)


def _asked(sampling: Sampling, prompt_tokens: int) -> int:
    limits = [sampling.max_new_tokens]
    if sampling.max_length is not None:
        limits.append(sampling.max_length - prompt_tokens)
    return min((limit for limit in limits if limit is not None), default=DEFAULT_ANSWER)


def room_warnings(sampling: Sampling, limit: int, prompt_tokens: int) -> list[str]:
    """A warning when the context leaves less room than max_new_tokens asked for."""
    if sampling.max_new_tokens is None or limit >= _asked(sampling, prompt_tokens):
        return []
    return [f"max_new_tokens was lowered from {sampling.max_new_tokens} to {limit}: the context holds no more."]


def prompt_budget(sampling: Sampling, context_length: int) -> int:
    """Tokens a prompt may keep when it has to be cut: what the context, or a smaller max_length, leaves beside an answer."""
    total = min(context_length, sampling.max_length or context_length)
    room = min(sampling.max_new_tokens or ROOM_AFTER_CUT, max(1, total // 4))
    return max(1, total - room)


def needs_cut(sampling: Sampling, prompt_tokens: int, context_length: int | None) -> bool:
    """Whether a prompt leaves no room for even one token of an answer."""
    bounds = [bound for bound in (context_length, sampling.max_length) if bound is not None]
    return bool(bounds) and prompt_tokens >= min(bounds)


def stop_strings(sampling: Sampling) -> list[str]:
    """The stop strings as a list, without empty ones."""
    stop = [sampling.stop] if isinstance(sampling.stop, str) else sampling.stop or []
    return [text for text in stop if text]
