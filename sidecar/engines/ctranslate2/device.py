"""Where and in which precision a converted model is computed, and with how many processor threads."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2

from sidecar.engines.threads import computing_threads
from sidecar.errors import LoadFailed
from sidecar.runtime import choosing


@dataclass(frozen=True)
class Placement:
    """The arguments with which the library loads a model."""

    device: str
    index: int
    compute_type: str
    threads: int

    @property
    def name(self) -> str:
        return self.device if self.device == "cpu" else f"{self.device}:{self.index}"

    def arguments(self) -> dict[str, object]:
        return {
            "device": self.device,
            "device_index": self.index,
            "compute_type": self.compute_type,
            "inter_threads": 1,
            "intra_threads": self.threads,
        }


def place(model: str, asked: str, quantization: str, threads: int) -> Placement:
    """For auto | cpu | gpu | cuda[:N]. `threads` 0 is one per physical core. Raises LoadFailed for a device not there."""
    device, index = _device(model, asked)
    supported = ctranslate2.get_supported_compute_types(device, index)
    wanted = choosing.CONVERTED_PRECISIONS[(quantization, device)]
    compute_type = next((name for name in wanted if name in supported), "default")
    return Placement(device, index, compute_type, computing_threads(threads))


def opened(kind: Callable[..., Any], folder: Path, placement: Placement) -> Any:
    """A model of the library's class `kind`, loaded in a thread that is gone afterwards.

    Loading computes with threads, and OpenMP keeps them as long as the one that began them lives, though the model computes
    with others. Then there are more than processors, and while they wait they soon sleep (engines/openmp.py).
    """
    with ThreadPoolExecutor(1) as gone_afterwards:
        return gone_afterwards.submit(kind, str(folder), **placement.arguments()).result()


def _device(model: str, asked: str) -> tuple[str, int]:
    count = ctranslate2.get_cuda_device_count()
    if asked == "cpu" or (asked in ("auto", "gpu") and not count):
        return "cpu", 0
    if asked in ("auto", "gpu"):
        return "cuda", 0
    if re.fullmatch(r"cuda(:\d+)?", asked):
        index = int(asked.partition(":")[2] or 0)
        if index < count:
            return "cuda", index
        raise LoadFailed(model=model, reason=f"there is no {asked}: CTranslate2 can use {count} CUDA devices here.")
    raise LoadFailed(model=model, reason=f"CTranslate2 does not run on {asked!r}; use auto, cpu, gpu or cuda:N.")
