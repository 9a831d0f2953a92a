"""Where and in which precision a model is computed, and with how many processor threads."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import torch

from sidecar.engines.threads import computing_threads
from sidecar.errors import LoadFailed
from sidecar.runtime import choosing

BF16_CAPABILITY = (8, 0)  # the first CUDA generation that computes bfloat16 in hardware
NUMBERED = ("cuda", "xpu")  # kinds of GPUs of which a machine may have several, the better served first
HALF_TYPES = (torch.float16, torch.bfloat16)


def choose_device(model: str, asked: str) -> tuple[torch.device, list[str]]:
    """The device for auto | cpu | gpu | cuda[:N] | xpu[:N] | mps, and warnings. Raises LoadFailed for one not there."""
    if asked == "cpu":
        return torch.device("cpu"), []
    if asked in ("auto", "gpu"):
        return _best(asked)
    if re.fullmatch(r"(cuda|xpu)(:\d+)?", asked):
        return _numbered(model, asked), []
    if asked == "mps" and torch.backends.mps.is_available():
        return torch.device("mps"), []
    if asked == "mps":
        raise LoadFailed(model=model, reason="this machine has no Apple GPU that can be used (mps).")
    raise LoadFailed(model=model, reason=f"there is no device {asked!r}; use auto, cpu, gpu, cuda:N, xpu:N or mps.")


def gpus_of(kind: str) -> Any:
    """The library's module for a kind of GPUs that have numbers, None where none of them can be used."""
    library = {"cuda": torch.cuda, "xpu": torch.xpu}.get(kind)
    return library if library is not None and library.is_available() else None


def _best(asked: str) -> tuple[torch.device, list[str]]:
    for kind in NUMBERED:
        if gpus_of(kind) is not None:
            return torch.device(kind, 0), []
    if torch.backends.mps.is_available():
        return torch.device("mps"), []
    return torch.device("cpu"), ["No GPU can be used on this machine: the model runs on the processor."] * (
        asked == "gpu"
    )


def _numbered(model: str, asked: str) -> torch.device:
    kind, _, number = asked.partition(":")
    library = gpus_of(kind)
    count = library.device_count() if library is not None else 0
    if int(number or 0) >= count:
        raise LoadFailed(model=model, reason=f"there is no {asked}: this machine has {count} {kind.upper()} devices.")
    return torch.device(kind, int(number or 0))


def choose_dtype(device: torch.device, stored: torch.dtype) -> torch.dtype:
    """The precision to compute in, given that of the weights on disk."""
    kept = {torch.float16: "float16", torch.bfloat16: "bfloat16"}.get(stored, "float32")
    return getattr(torch, choosing.precision(choosing.Device(device.type, _has_bf16(device)), kept))  # type: ignore[arg-type]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device) >= BF16_CAPABILITY)
    if device.type == "xpu":
        return bool(torch.xpu.is_bf16_supported())
    if device.type == "mps":
        return bool(torch.backends.mps.is_macos_or_newer(14, 0))
    return processor_has_bf16()


def processor_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices in hardware (AMX, or AVX-512 with BF16)."""
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def set_threads(asked: int) -> int:
    """Use `asked` threads, 0 means one per physical core that this process may run on; how many these are."""
    count = computing_threads(asked)
    torch.set_num_threads(count)
    with contextlib.suppress(RuntimeError):  # torch allows it only before the first parallel work
        torch.set_num_interop_threads(1)
    return count
