"""Measures this machine with the kernels that models run on: memory, matrix products, small operations, file reading.

Takes some seconds of all threads. What the figures mean for a model is `sidecar.runtime.prediction`'s business.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch
from torch.nn import functional

from sidecar.engines.transformers.device import processor_has_bf16, set_threads
from sidecar.engines.transformers.fused.int4 import Int4
from sidecar.engines.transformers.fused.linear import Int8, int8_available
from sidecar.runtime.protocol import Calibrate, Calibrated
from sidecar.types import GemmRate

ROWS = (1, 8, 128)
SIDE = 2048  # of a square matrix, like those of small and middling models
BEYOND_CACHES = 160 << 20  # bytes that no processor's cache holds: a model's weights are read from memory at every step
REPETITIONS = 3
ROUNDS = 3  # of everything, so that a moment in which something else had the memory or the cores is outvoted
SMALL_OPERATIONS = 2000
FILE_BYTES = 128 << 20
CHUNK = 1 << 20

Product = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Kernels:
    """What one round found. None: without such kernels."""

    gemm: list[GemmRate]
    memory_gb_s: float
    operation_us: float
    rounding_mweights_s: float | None
    rounding_int4_mweights_s: float | None


def measure(frame: Calibrate) -> Calibrated:
    """All of it, with as many threads as a model gets."""
    set_threads(frame.threads)
    before = _used()
    disk, cached = _file_rates(Path(frame.file)) if frame.file else (None, None)
    with torch.inference_mode():
        rounds = [_kernels() for _ in range(ROUNDS)]
    return Calibrated(
        threads=torch.get_num_threads(),
        memory_gb_s=_middle([one.memory_gb_s for one in rounds]),
        gemm=_middle_rates([one.gemm for one in rounds]),
        operation_us=_middle([one.operation_us for one in rounds]),
        rounding_mweights_s=_known_middle([one.rounding_mweights_s for one in rounds]),
        rounding_int4_mweights_s=_known_middle([one.rounding_int4_mweights_s for one in rounds]),
        disk_mb_s=disk,
        cached_mb_s=cached,
        others_share=_others_share(before, _used()),
    )


def _kernels() -> Kernels:
    weight = torch.randn(SIDE, SIDE) / SIDE
    gemm, rounding, to_4_bits = _rates("float32", _copies(weight, torch.float32), torch.float32), None, None
    if int8_available():
        products, rounding = _rounded(weight)
        gemm += _rates("int8", products, torch.float32)
        products, to_4_bits = _rounded_to_4_bits(weight)
        gemm += _rates("int4", products, torch.float32)
    if processor_has_bf16():
        gemm += _rates("bfloat16", _copies(weight, torch.bfloat16), torch.bfloat16)
    return Kernels(gemm, _memory_rate(), _operation_us(), rounding, to_4_bits)


def _middle(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def _known_middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _middle(known) if known else None


def _middle_rates(rounds: Sequence[list[GemmRate]]) -> list[GemmRate]:
    return [
        GemmRate(one[0].precision, one[0].rows, _middle([rate.gflops for rate in one]))
        for one in zip(*rounds, strict=True)
    ]


def _used() -> tuple[float, float, float]:
    """Processor seconds: of all cores, idle ones of them, and this process's."""
    times, own = psutil.cpu_times(), psutil.Process().cpu_times()
    return sum(times), times.idle + getattr(times, "iowait", 0.0), own.user + own.system


def _others_share(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """What other programs used meanwhile, of all that the cores can do."""
    total, idle, own = (late - early for early, late in zip(before, after, strict=True))
    return round(max(0.0, total - idle - own) / total, 2) if total > 0 else 0.0


def _copies(weight: torch.Tensor, dtype: torch.dtype) -> list[Product]:
    """Products with enough copies of a matrix that none is in a cache when its turn comes again."""
    count = BEYOND_CACHES // (weight.numel() * dtype.itemsize)
    return [_product(weight.to(dtype, copy=True)) for _ in range(count)]


def _rounded(weight: torch.Tensor) -> tuple[list[Product], float]:
    """Rounded copies, and how many million weights are rounded a second."""
    products = [Int8.rounded(weight)]  # the first one of a process takes longer
    began = time.perf_counter()
    products += [Int8.rounded(weight) for _ in range(BEYOND_CACHES // weight.numel() - 1)]
    rate = round((len(products) - 1) * weight.numel() / (time.perf_counter() - began) / 1e6, 1)
    for product in products:
        product.pack()
    return list(products), rate


def _rounded_to_4_bits(weight: torch.Tensor) -> tuple[list[Product], float]:
    """As `_rounded`, of which one is copied: this rounding takes several times as long."""
    Int4.rounded(weight)
    began = time.perf_counter()
    made = Int4.rounded(weight)
    rate = round(weight.numel() / (time.perf_counter() - began) / 1e6, 1)
    parts = made.tensors()
    count = BEYOND_CACHES // sum(part.nbytes for part in parts.values())
    return [Int4(**{name: part.clone() for name, part in parts.items()}) for _ in range(count)], rate


def _product(weight: torch.Tensor) -> Product:
    return lambda x: functional.linear(x, weight)


def _rates(precision: str, products: list[Product], dtype: torch.dtype) -> list[GemmRate]:
    """The rate at each number of rows, in 10⁹ operations a second: two for each weight and row."""
    rates = []
    for rows in ROWS:
        x = torch.randn(rows, SIDE).to(dtype)
        used = products if rows == 1 else products[: max(2, len(products) // rows)]
        seconds = _median_seconds(partial(_apply, used, x))
        rates.append(GemmRate(precision, rows, round(2 * rows * SIDE**2 * len(used) / seconds / 1e9, 2)))
    return rates


def _apply(products: list[Product], x: torch.Tensor) -> None:
    for product in products:
        product(x)


def _memory_rate() -> float:
    """GB read a second by all threads, from a block that no cache holds."""
    block = torch.ones(BEYOND_CACHES // 4)
    return float(round(block.nbytes / _median_seconds(block.sum) / 1e9, 2))


def _operation_us() -> float:
    """What an operation costs before it computes anything, in microseconds: the mean of the kinds a layer is made of."""
    x, weight = torch.randn(1, 64), torch.randn(64, 64)

    def some() -> None:
        for _ in range(SMALL_OPERATIONS // 4):
            functional.linear(functional.silu(functional.rms_norm(x + x, (64,))), weight)

    return round(_median_seconds(some) / SMALL_OPERATIONS * 1e6, 3)


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
