"""Makes safetensors of a checkpoint that was pickled: reads it without running code, writes it, and compares every value.

It runs in a worker that has given up the network first. Nothing but tensors is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sidecar.errors import PreparationFailed

SINGLE, INDEX, MADE = "pytorch_model.bin", "pytorch_model.bin.index.json", "model.safetensors"


def convert(model: str, folder: Path, report: Callable[[str, float], None]) -> None:
    """Write `model.safetensors` beside the pickled weights in `folder`. Raises PreparationFailed, OSError."""
    report("reading without code", 0.0)
    tensors = _tensors(model, folder)
    report("writing", 0.4)
    draft = folder / f"{MADE}.making"
    save_file(_apart(tensors), draft, metadata={"format": "pt"})
    report("comparing", 0.7)
    _compare(model, tensors, draft)
    draft.rename(folder / MADE)


def _tensors(model: str, folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for file in _files(model, folder):
        found |= _checked(model, file, _read(model, file))
    if not found:
        raise PreparationFailed(model=model, reason="its checkpoint holds no weights")
    return found


def _files(model: str, folder: Path) -> list[Path]:
    if not (folder / INDEX).is_file():
        return [folder / SINGLE] if (folder / SINGLE).is_file() else sorted(folder.glob("pytorch_model-*.bin"))
    names = sorted(set(json.loads((folder / INDEX).read_bytes()).get("weight_map", {}).values()))
    if any(Path(name).name != name for name in names):
        raise PreparationFailed(model=model, reason="the index of its weights names files elsewhere")
    return [folder / name for name in names]


def _read(model: str, file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = (
            f"{file.name} holds more than weights, or is damaged, and was not opened further ({_first_line(error)})"
        )
        raise PreparationFailed(model=model, reason=reason) from error


def _checked(model: str, file: Path, value: Any) -> dict[str, torch.Tensor]:
    strange = not isinstance(value, dict) or any(
        not isinstance(name, str) or not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided
        for name, tensor in value.items()
    )
    if strange:
        raise PreparationFailed(model=model, reason=f"{file.name} is not a plain table of weights")
    return dict(value)


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Each with memory of its own, as the format wants it: weights may be shared between names."""
    seen: set[int] = set()
    made = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        made[name] = tensor.clone().contiguous() if storage in seen else tensor.contiguous()
        seen.add(storage)
    return made


def _compare(model: str, tensors: dict[str, torch.Tensor], file: Path) -> None:
    """Same names, types, shapes and bits."""
    with safe_open(file, framework="pt") as made:
        if set(made.keys()) != set(tensors):
            raise PreparationFailed(model=model, reason="the converted weights have other names")
        for name, tensor in tensors.items():
            other = made.get_tensor(name)
            if other.dtype != tensor.dtype or other.shape != tensor.shape or not _same_bits(other, tensor):
                raise PreparationFailed(model=model, reason=f"the converted weight {name} differs from the original")


def _same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Bit by bit: also where a value is not a number."""
    return bool(torch.equal(_bytes(one), _bytes(other)))


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().flatten().view(torch.uint8)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
