"""From token vectors to one vector per text, as a model's sentence-transformers files configure it.

The format: `modules.json` lists the modules in order; each has a folder with a `config.json`, and Dense its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn.functional import linear, normalize

from sidecar.engines.transformers.loading import read_json
from sidecar.errors import LoadFailed

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
    modes = ["mean"]
    steps: list[Step] = []
    modules = read_json(folder / "modules.json") or []
    for module in modules:
        kind, place = module["type"].rpartition(".")[2], folder / module["path"]
        if kind == "Pooling":
            modes = _modes(name, read_json(place / "config.json") or {})
        elif kind == "Normalize":
            steps.append(normalize)
        elif kind == "Dense":
            steps.append(_dense(name, place))
        elif kind != "Transformer":
            raise LoadFailed(model=name, reason=f"its module {kind} is not known to this engine.")
    return Pooling(modes, steps, configured=bool(modules))


def _modes(name: str, config: dict[str, Any]) -> list[str]:
    named = config.get("pooling_mode")
    chosen = [named] if isinstance(named, str) else [mode for key, mode in KEYS.items() if config.get(key)]
    unknown = [mode for mode in chosen if mode not in MODES]
    if unknown or not chosen:
        raise LoadFailed(
            model=name, reason=f"its pooling {', '.join(unknown) or 'configuration'} is not known to this engine."
        )
    return chosen


def _dense(name: str, folder: Path) -> Step:
    config = read_json(folder / "config.json") or {}
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
    weights = folder / "model.safetensors"
    if activation not in ACTIVATIONS or not weights.is_file():
        raise LoadFailed(
            model=name, reason=f"its Dense module in {folder.name} has no safetensors or an unknown activation."
        )
    tensors = load_file(weights)
    weight, bias = tensors["linear.weight"].float(), tensors.get("linear.bias")
    return lambda vectors: ACTIVATIONS[activation](
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


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return _sum(hidden, mask) / _count(mask)


def _mean_by_root(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return _sum(hidden, mask) / _count(mask).sqrt()


def _weighted_mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Later tokens weigh more: the n-th token weighs n."""
    return _mean_of(hidden, mask * torch.arange(1, mask.shape[1] + 1, device=mask.device))


def _mean_of(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return _sum(hidden, weights) / _count(weights)


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
KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
