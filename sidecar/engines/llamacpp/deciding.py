"""Which of the given labels a model would answer: probabilities from its own next tokens; no text is generated.

The labels' tokens form a tree. Where it branches, the model's distribution over the branches alone decides, as if it
had to write one of the labels: a label's probability is the product along its path. Labels that differ in their first
token cost one step of the model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import xllamacpp

from sidecar.engines.base import News, Working
from sidecar.engines.llamacpp import chunks
from sidecar.engines.llamacpp.chunks import Candidate
from sidecar.engines.llamacpp.side_door import SideDoor
from sidecar.errors import Cancelled, InferenceFailed, InvalidRequest
from sidecar.runtime.protocol import Decided, Finished

BIAS = 100.0  # lifts the branches over all other tokens, and each alike, so that their ratios stay


@dataclass
class Deciding:
    """`labels[i]`: the tokens of label i. `end_id` stands for the end of a label that another one continues. `door`: where
    a model with a projector is asked, because the library's callback then takes no tokens."""

    id: int
    prompt: list[int]
    labels: list[list[int]]
    end_id: int | None
    door: SideDoor | None = None
    cancelled: bool = False
    received: float = field(default_factory=time.monotonic)

    @property
    def cells(self) -> int:
        return len(self.prompt) + max(map(len, self.labels)) + 1

    def run(self, server: xllamacpp.Server, tell: Callable[[News], None]) -> Finished:
        """Raises InvalidRequest where labels cannot be told apart, Cancelled."""
        queued = time.monotonic() - self.received
        probabilities = [0.0] * len(self.labels)

        def descend(members: list[int], depth: int, probability: float) -> None:
            branches = self._branches(members, depth)
            weights = [1.0]
            if len(branches) > 1:
                prefix = self.labels[members[0]][:depth]
                weights = self._weigh(server, [*self.prompt, *prefix], list(branches))
                tell(Working(self.id))
            for weight, (token, below) in zip(weights, branches.items(), strict=True):
                if len(below) == 1 or token == self.end_id:
                    probabilities[below[0]] = probability * weight
                else:
                    descend(below, depth + 1, probability * weight)

        descend(list(range(len(self.labels))), 0, 1.0)
        return Finished(self.id, Decided(probabilities, len(self.prompt), 1000 * queued))

    def _branches(self, members: list[int], depth: int) -> dict[int, list[int]]:
        """The labels by their token at `depth`."""
        branches: dict[int, list[int]] = {}
        for member in members:
            tokens = self.labels[member]
            token = tokens[depth] if depth < len(tokens) else self.end_id
            if token is None or (depth >= len(tokens) and token in branches):
                raise InvalidRequest(reason="two of the labels are the same to this model")
            branches.setdefault(token, []).append(member)
        return branches

    def _weigh(self, server: xllamacpp.Server, prompt: list[int], tokens: list[int]) -> list[float]:
        """The probabilities of `tokens` as the next one, among themselves."""
        if self.cancelled:
            raise Cancelled()
        body = {
            "prompt": prompt,
            "max_tokens": 1,
            "n_probs": len(tokens),
            "post_sampling_probs": True,
            "temperature": 1.0,
            "samplers": ["temperature"],
            "logit_bias": [[token, BIAS] for token in tokens],
            "cache_prompt": True,
        }
        likely = chunks.likeliest(self.door.weigh(body)) if self.door else _asked_directly(server, body)
        if not likely:
            raise InferenceFailed(reason="llama.cpp gave no probabilities")
        found = {one.id: one.prob for one in likely}
        whole = sum(found.get(token, 0.0) for token in tokens)
        return [found.get(token, 0.0) / whole for token in tokens]


def _asked_directly(server: xllamacpp.Server, body: dict[str, Any]) -> list[Candidate]:
    answers: list[bytes] = []
    server.handle_completions(json.dumps(body).encode(), answers.append)
    told = [choice.logprobs for answer in answers for choice in chunks.read(answer).choices if choice.logprobs]
    return told[0].content[0].top_probs if told and told[0].content else []
