"""Measures this machine with the kernels that models run on: memory, matrix products, small operations, file reading.

Takes some seconds of all threads. What the figures mean for a model is `sidecar.runtime.prediction`'s business.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from sidecar import hardware
from sidecar.engines.threads import OthersLoad
from sidecar.engines.transformers.device import processor_has_bf16, set_threads
from sidecar.engines.transformers.fused.int4 import Int4
from sidecar.engines.transformers.fused.linear import Int8, int8_available
from sidecar.runtime.protocol import Calibrate, Calibrated
from sidecar.types import GemmRate

ROWS = (1, 8, 128)
SIDE = 2048  # of a square matrix, like those of small and middling models
BEYOND_CACHES = 160 << 20  # bytes that no processor's cache holds: a model's weights are read from memory at every step
REPETITIONS = 3
ROUNDS = 5  # of everything, so that moments in which something else had the memory or the cores are outvoted
SMALL_OPERATIONS = 2000
FILE_BYTES = 128 << 20
CHUNK = 1 << 20
FRESH_BYTES = 1 << 30  # like the room that an engine takes for the keys and values of all answers
FRESH_SHARE = 0.125  # of the memory that is free, at most

Product = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Kernel:
    """A kind of product: more matrices than a cache holds, and the type of what they are multiplied with. `rounding`:
    million weights a second that are brought into it, where that takes time of its own."""

    precision: str
    products: Sequence[Product]
    dtype: torch.dtype = torch.float32
    rounding: float | None = None


@dataclass(frozen=True)
class Round:
    """What one round found."""

    gemm: list[GemmRate]
    memory_gb_s: float
    operation_us: float


def measure(frame: Calibrate) -> Calibrated:
    """All of it, with as many threads as a model gets."""
    set_threads(frame.threads)
    others = OthersLoad()
    disk, cached = _file_rates(Path(frame.file)) if frame.file else (None, None)
    fresh = _fresh_rate(int(min(FRESH_BYTES, FRESH_SHARE * hardware.available_memory())))
    with torch.inference_mode():
        weights = [torch.randn(SIDE, SIDE) / SIDE for _ in range(BEYOND_CACHES // (4 * SIDE**2))]
        kernels = _kernels(weights)
        rounds = [_round(kernels, weights) for _ in range(ROUNDS)]
    others.add()
    rounding = {kernel.precision: kernel.rounding for kernel in kernels}
    return Calibrated(
        threads=torch.get_num_threads(),
        memory_gb_s=_middle([one.memory_gb_s for one in rounds]),
        gemm=_middle_rates([one.gemm for one in rounds]),
        operation_us=_middle([one.operation_us for one in rounds]),
        rounding_mweights_s=rounding.get("int8"),
        rounding_int4_mweights_s=rounding.get("int4"),
        disk_mb_s=disk,
        cached_mb_s=cached,
        fresh_mb_s=fresh,
        others_share=round(others.share(), 2),
    )


def _kernels(weights: list[torch.Tensor]) -> list[Kernel]:
    """Those that this processor has."""
    found = [Kernel("float32", [_product(weight) for weight in weights])]
    if int8_available():
        found += [_int8(weights[0]), _int4(weights[0])]
    if processor_has_bf16():
        halves = [weight.bfloat16() for weight in weights for _ in range(2)]
        found.append(Kernel("bfloat16", [_product(half) for half in halves], torch.bfloat16))
    return found


def _round(kernels: list[Kernel], weights: list[torch.Tensor]) -> Round:
    gemm = [rate for kernel in kernels for rate in _rates(kernel)]
    return Round(gemm, _memory_rate(weights), _operation_us())


def _middle(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def _middle_rates(rounds: Sequence[list[GemmRate]]) -> list[GemmRate]:
    return [
        GemmRate(one[0].precision, one[0].rows, _middle([rate.gflops for rate in one]))
        for one in zip(*rounds, strict=True)
    ]


def _int8(weight: torch.Tensor) -> Kernel:
    products = [Int8.rounded(weight)]  # the first one of a process takes longer
    began = time.perf_counter()
    products += [Int8.rounded(weight) for _ in range(BEYOND_CACHES // weight.numel() - 1)]
    rate = _rounding_rate((len(products) - 1) * weight.numel(), began)
    for product in products:
        product.pack()
    return Kernel("int8", products, rounding=rate)


def _int4(weight: torch.Tensor) -> Kernel:
    """Copies of one: this rounding takes several times as long."""
    Int4.rounded(weight)
    began = time.perf_counter()
    parts = Int4.rounded(weight).tensors()
    rate = _rounding_rate(weight.numel(), began)
    count = BEYOND_CACHES // sum(part.nbytes for part in parts.values())
    products = [Int4(**{name: part.clone() for name, part in parts.items()}) for _ in range(count)]
    return Kernel("int4", products, rounding=rate)


def _rounding_rate(weights: int, began: float) -> float:
    return round(weights / (time.perf_counter() - began) / 1e6, 1)


def _product(weight: torch.Tensor) -> Product:
    return lambda x: functional.linear(x, weight)


def _rates(kernel: Kernel) -> list[GemmRate]:
    """The rate at each number of rows, in 10⁹ operations a second: two for each weight and row."""
    rates = []
    for rows in ROWS:
        x = torch.randn(rows, SIDE).to(kernel.dtype)
        used = kernel.products if rows == 1 else kernel.products[: max(2, len(kernel.products) // rows)]
        seconds = _median_seconds(partial(_apply, used, x))
        rates.append(GemmRate(kernel.precision, rows, round(2 * rows * SIDE**2 * len(used) / seconds / 1e9, 2)))
    return rates


def _apply(products: Sequence[Product], x: torch.Tensor) -> None:
    for product in products:
        product(x)


def _memory_rate(weights: list[torch.Tensor]) -> float:
    """GB read a second by all threads, from more than a cache holds."""
    seconds = _median_seconds(lambda: [weight.sum() for weight in weights])
    return float(sum(weight.nbytes for weight in weights) / seconds / 1e9)


def _operation_us() -> float:
    """What an operation costs before it computes anything, in microseconds: the mean of the kinds a layer is made of."""
    x, weight = torch.randn(1, 64), torch.randn(64, 64)

    def some() -> None:
        for _ in range(SMALL_OPERATIONS // 4):
            functional.linear(functional.silu(functional.rms_norm(x + x, (64,))), weight)

    return round(_median_seconds(some) / SMALL_OPERATIONS * 1e6, 3)


def _fresh_rate(size: int) -> float | None:
    """MB a second, written for the first time: the system has to find and empty every page, which a virtual machine's host may
    have taken away meanwhile."""
    if size < CHUNK:
        return None
    room = torch.empty(size, dtype=torch.uint8)
    began = time.perf_counter()
    ctypes.memset(room.data_ptr(), 0, size)
    return _mb_s(size, time.perf_counter() - began)


def _file_rates(file: Path) -> tuple[float | None, float | None]:
    """MB a second from the disk, and from memory that the system keeps files in. The first is None where a system
    cannot be asked to forget what it keeps of a file."""
    with contextlib.suppress(OSError), file.open("rb", buffering=0) as stream:
        size = min(file.stat().st_size, FILE_BYTES)
        forgotten = _forget(stream.fileno(), size)
        first = _read_seconds(stream, size)
        again = _read_seconds(stream, size)
        return (_mb_s(size, first) if forgotten else None), _mb_s(size, again)
    return None, None


def _forget(descriptor: int, size: int) -> bool:
    """Only clean pages of this part of the file, which is read again at once."""
    if not hasattr(os, "posix_fadvise"):
        return False
    os.posix_fadvise(descriptor, 0, size, os.POSIX_FADV_DONTNEED)
    return True


def _read_seconds(stream: Any, size: int) -> float:
    buffer = bytearray(CHUNK)
    stream.seek(0)
    began = time.perf_counter()
    left = size
    while left > 0 and (count := stream.readinto(buffer)):
        left -= count
    return time.perf_counter() - began


def _mb_s(size: int, seconds: float) -> float:
    return round(size / max(seconds, 1e-9) / 1e6, 1)


def _median_seconds(work: Callable[[], object]) -> float:
    """Of a few repetitions after a first that does not count."""
    work()
    times = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
