"""What a model's sentence-transformers files say about pooling: which modes, which steps follow. Data only.

The format: `modules.json` lists the modules in order; each has a folder with a `config.json`, and Dense its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.engines.model_folder import read_json
from sidecar.errors import LoadFailed

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid")
KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True)
class Normalize:
    """Scale to length 1."""


@dataclass(frozen=True)
class Dense:
    """A linear layer (`linear.weight`, perhaps `linear.bias` in the safetensors file) and an activation by its name."""

    weights: Path
    activation: str


@dataclass(frozen=True)
class PoolingPlan:
    """The modes' results side by side, then the steps. `configured`: whether the files say so, else the mean is assumed."""

    modes: list[str]
    steps: list[Normalize | Dense]
    configured: bool


def read_plan(name: str, folder: Path) -> PoolingPlan:
    """What the folder configures, else the mean of all tokens. Raises LoadFailed for what is not known."""
    modes = ["mean"]
    steps: list[Normalize | Dense] = []
    modules = read_json(folder / "modules.json") or []
    for module in modules:
        kind, place = module["type"].rpartition(".")[2], folder / module["path"]
        if kind == "Pooling":
            modes = _modes(name, read_json(place / "config.json") or {})
        elif kind == "Normalize":
            steps.append(Normalize())
        elif kind == "Dense":
            steps.append(_dense(name, place))
        elif kind != "Transformer":
            raise LoadFailed(model=name, reason=f"its module {kind} is not known to this engine.")
    return PoolingPlan(modes, steps, configured=bool(modules))


def _modes(name: str, config: dict[str, Any]) -> list[str]:
    named = config.get("pooling_mode")
    chosen = [named] if isinstance(named, str) else [mode for key, mode in KEYS.items() if config.get(key)]
    unknown = [mode for mode in chosen if mode not in MODES]
    if unknown or not chosen:
        raise LoadFailed(
            model=name, reason=f"its pooling {', '.join(unknown) or 'configuration'} is not known to this engine."
        )
    return chosen


def _dense(name: str, folder: Path) -> Dense:
    config = read_json(folder / "config.json") or {}
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
    weights = folder / "model.safetensors"
    if activation not in ACTIVATIONS or not weights.is_file():
        raise LoadFailed(
            model=name, reason=f"its Dense module in {folder.name} has no safetensors or an unknown activation."
        )
    return Dense(weights, activation)
