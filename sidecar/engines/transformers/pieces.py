"""What generators have in common that read prompts in pieces, so that a long one does not make the others wait, and reuse what
they read before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch

from sidecar.engines.base import Answer, Prompt
from sidecar.engines.transformers.prefixes import Prefixes
from sidecar.runtime.protocol import Generate

# Tokens of prompts read per iteration: few while others wait for their next word, many when nobody does.
PIECE_AMONG_OTHERS = 128
PIECE_ALONE = 1024


class Sequence(Protocol):
    """Keys and values of one sequence; `length` tokens of it were read."""

    @property
    def length(self) -> int: ...


Past = TypeVar("Past", bound=Sequence)


@dataclass
class Filling(Generic[Past]):
    """A sequence whose prompt is being read."""

    tokens: list[int]
    past: Past


class PieceReader(ABC, Generic[Past]):
    """`budget`: bytes of ended sequences kept for their prefixes."""

    joins = True

    def __init__(self, prepare: Callable[[Generate], Prompt], budget: int) -> None:
        self.prepare = prepare
        self._prefixes: Prefixes[Past] = Prefixes(budget)
        self._filling: dict[int, Filling[Past]] = {}

    @property
    def reading(self) -> bool:
        """Whether prompts are being read."""
        return bool(self._filling)

    def start(self, answers: list[Answer]) -> list[int | None]:
        left = PIECE_AMONG_OTHERS if self._running() else PIECE_ALONE
        tokens: list[int | None] = []
        with torch.inference_mode():
            for answer in answers:
                token, used = self._read(answer, left) if left else (None, 0)
                left -= used
                tokens.append(token)
        return tokens

    def drop(self, answers: list[Answer]) -> None:
        keys = {answer.key for answer in answers}
        for key in keys:
            self._filling.pop(key, None)
        with torch.inference_mode():
            self._leave(keys)

    def _read(self, answer: Answer, most: int) -> tuple[int | None, int]:
        """Read at most so many tokens of the prompt. The answer's first token once all are read, and how many were."""
        filling = self._filling.get(answer.key)
        if filling is None:
            tokens = answer.prompt.token_ids + answer.generated
            filling = self._filling[answer.key] = Filling(tokens, self._begin(tokens))
            answer.cached_tokens = filling.past.length
        piece = filling.tokens[filling.past.length :][:most]
        x = self._compute(piece, filling.past)
        if filling.past.length < len(filling.tokens):
            return None, len(piece)
        del self._filling[answer.key]
        return self._join(answer, filling, x), len(piece)

    # ---- what differs -----------------------------------------------------------------------------------------------

    @abstractmethod
    def step(self, answers: list[Answer]) -> list[int]: ...

    @abstractmethod
    def _running(self) -> bool:
        """Whether rows wait for their next token."""

    @abstractmethod
    def _begin(self, tokens: list[int]) -> Past:
        """A past for these tokens, begun with what was kept of them."""

    @abstractmethod
    def _compute(self, piece: list[int], past: Past) -> torch.Tensor:
        """Append the next tokens to a past; what `_join` makes the scores from."""

    @abstractmethod
    def _join(self, answer: Answer, filling: Filling[Past], x: torch.Tensor) -> int:
        """Take a sequence in that was read to its end, and return its first token."""

    @abstractmethod
    def _leave(self, keys: set[int]) -> None:
        """Rows leave, and their pasts are kept."""
