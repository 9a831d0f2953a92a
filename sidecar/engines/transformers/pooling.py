"""From token vectors to one vector per text with torch, as a model's sentence-transformers files configure it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn.functional import linear, normalize

from sidecar.engines.sentence_modules import Dense, read_plan

Step = Callable[[torch.Tensor], torch.Tensor]
ACTIVATIONS: dict[str, Step] = {
    "Identity": lambda vectors: vectors,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
    "Sigmoid": torch.sigmoid,
}


@dataclass(frozen=True)
class Pooling:
    """How one vector comes from the tokens' vectors: the modes' results side by side, then the steps that follow."""

    modes: list[str]
    steps: list[Step]
    configured: bool

    def __call__(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`hidden`: shape (rows, tokens, size); `mask`: (rows, tokens), 1 where there is a token. Shape (rows, size)."""
        vectors = torch.cat([MODES[mode](hidden, mask) for mode in self.modes], dim=-1)
        for step in self.steps:
            vectors = step(vectors)
        return vectors


def read_pooling(name: str, folder: Path) -> Pooling:
    """The pooling that the folder configures, else the mean of all tokens. Raises LoadFailed for modules not known."""
    plan = read_plan(name, folder)
    steps = [_dense(step) if isinstance(step, Dense) else normalize for step in plan.steps]
    return Pooling(plan.modes, steps, plan.configured)


def _dense(step: Dense) -> Step:
    tensors = load_file(step.weights)
    weight, bias = tensors["linear.weight"].float(), tensors.get("linear.bias")
    return lambda vectors: ACTIVATIONS[step.activation](
        linear(vectors, weight.to(vectors.device), None if bias is None else bias.float().to(vectors.device))
    )


def _first(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden[:, 0]


def _last(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]


def _sum(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (hidden * mask[:, :, None]).sum(dim=1)


def _count(mask: torch.Tensor) -> torch.Tensor:
    return mask.sum(dim=1, keepdim=True).clamp(min=1)


def _mean(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return _sum(hidden, weights) / _count(weights)


def _mean_by_root(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return _sum(hidden, mask) / _count(mask).sqrt()


def _weighted_mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Later tokens weigh more: the n-th token weighs n."""
    return _mean(hidden, mask * torch.arange(1, mask.shape[1] + 1, device=mask.device))


def _max(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden.masked_fill(mask[:, :, None] == 0, -torch.inf).amax(dim=1)


MODES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cls": _first,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_by_root,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
