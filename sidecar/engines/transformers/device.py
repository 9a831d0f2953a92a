"""Where and in which precision a model is computed, and with how many processor threads."""

from __future__ import annotations

import contextlib
import re

import torch

from sidecar.engines.threads import physical_cores
from sidecar.errors import LoadFailed

BF16_CAPABILITY = (8, 0)  # the first CUDA generation that computes bfloat16 in hardware
HALF_TYPES = (torch.float16, torch.bfloat16)


def choose_device(model: str, asked: str) -> tuple[torch.device, list[str]]:
    """The device for auto | cpu | gpu | cuda[:N] | mps, and warnings. Raises LoadFailed for one that is not there."""
    if asked == "cpu":
        return torch.device("cpu"), []
    if asked in ("auto", "gpu"):
        return _best(asked)
    if re.fullmatch(r"cuda(:\d+)?", asked):
        return _cuda(model, asked), []
    if asked == "mps" and torch.backends.mps.is_available():
        return torch.device("mps"), []
    if asked == "mps":
        raise LoadFailed(model=model, reason="this machine has no Apple GPU that can be used (mps).")
    raise LoadFailed(model=model, reason=f"there is no device {asked!r}; use auto, cpu, gpu, cuda:N or mps.")


def _best(asked: str) -> tuple[torch.device, list[str]]:
    if torch.cuda.is_available():
        return torch.device("cuda:0"), []
    if torch.backends.mps.is_available():
        return torch.device("mps"), []
    return torch.device("cpu"), ["No GPU can be used on this machine: the model runs on the processor."] * (
        asked == "gpu"
    )


def _cuda(model: str, asked: str) -> torch.device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(asked.partition(":")[2] or 0)
    if index >= count:
        raise LoadFailed(model=model, reason=f"there is no {asked}: this machine has {count} CUDA devices.")
    return torch.device("cuda", index)


def choose_dtype(device: torch.device, stored: torch.dtype) -> torch.dtype:
    """The precision to compute in, given that of the weights on disk. Never a half type without hardware for it."""
    if stored not in HALF_TYPES:
        return torch.float32
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= BF16_CAPABILITY
        return torch.bfloat16 if fast and stored is torch.bfloat16 else torch.float16
    if device.type == "mps":
        return torch.float16 if stored is torch.float16 else _if_bf16(torch.backends.mps.is_macos_or_newer(14, 0))
    return _if_bf16(stored is torch.bfloat16 and processor_has_bf16())


def _if_bf16(available: bool) -> torch.dtype:
    return torch.bfloat16 if available else torch.float32


def processor_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices in hardware (AMX, or AVX-512 with BF16)."""
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def set_threads(asked: int) -> None:
    """Use `asked` threads; 0 means one per physical core that this process may run on."""
    torch.set_num_threads(asked or physical_cores())
    with contextlib.suppress(RuntimeError):  # torch allows it only before the first parallel work
        torch.set_num_interop_threads(1)
