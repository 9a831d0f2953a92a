"""What this machine is and has: processor, memory, disk. Numbers only; it decides nothing.

Everything here may read files or ask the system, so call it in a thread, but for what says otherwise.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import random
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from sidecar import __version__
from sidecar.types import Calibration, SystemInfo

MB = 1024 * 1024
PROCFS_CPU = Path("/proc/cpuinfo")
PLACES_TRIED = 64
INTEL = "0x8086"  # as a maker of devices
KNOWN_INSTRUCTION_SETS = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_int8",
    "amx_bf16", "avx_vnni", "neon", "asimd", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip


def total_memory() -> int:
    """Bytes of the machine, or of the container's limit where that is less."""
    total = int(psutil.virtual_memory().total)
    limit = _container_number("memory.max")
    return min(total, limit) if limit else total


def available_memory() -> int:
    """Bytes that can be used without swapping, the container's limit respected."""
    available = int(psutil.virtual_memory().available)
    limit, used = _container_number("memory.max"), _container_number("memory.current")
    return min(available, max(0, limit - used)) if limit and used else available


def cpu_percent() -> float:
    """The whole machine's, since the last call. Does not wait."""
    return float(psutil.cpu_percent(interval=None))


def free_disk(folder: Path) -> int:
    """Bytes free where `folder` is or will be."""
    return shutil.disk_usage(existing(folder)).free


def cached_share(file: Path) -> float | None:
    """How much of a file the system holds in memory, from 0 to 1, by trying places of it. None where that cannot be asked.

    Other places each time: where one was tried, the system reads ahead, and would seem to hold the whole file ever after.
    """
    if not hasattr(os, "RWF_NOWAIT"):
        return None
    with file.open("rb") as stream:
        size = max(os.fstat(stream.fileno()).st_size, 1)
        held = [_is_cached(stream.fileno(), random.randrange(size)) for _ in range(PLACES_TRIED)]  # noqa: S311 - no secret
    return None if None in held else sum(map(bool, held)) / PLACES_TRIED


def system_info(
    models_dir: Path, memory_limit: int, calibration: Calibration | None = None, reason: str | None = None
) -> SystemInfo:
    """All of it. `memory_limit` in bytes; `reason` says why there is no calibration."""
    disk = shutil.disk_usage(existing(models_dir))
    return SystemInfo(
        platform=platform.platform(terse=True),
        processor=processor_name(),
        physical_cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        logical_cores=psutil.cpu_count() or 1,
        instruction_sets=list(instruction_sets()),
        memory_total_mb=_mb(total_memory()),
        memory_available_mb=_mb(available_memory()),
        memory_limit_mb=_mb(memory_limit),
        disk_total_mb=_mb(disk.total),
        disk_free_mb=_mb(disk.free),
        models_dir=str(models_dir),
        gpu=gpu_name(),
        python=platform.python_version(),
        version=__version__,
        calibration=calibration,
        calibration_reason=reason,
    )


@functools.cache
def processor_name() -> str:
    if PROCFS_CPU.exists():
        return _cpuinfo("model name") or platform.machine()
    if sys.platform == "darwin":
        return _output_of("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.processor() or platform.machine()


@functools.cache
def instruction_sets() -> tuple[str, ...]:
    """Those that matter for inference, by the names Linux gives them; empty where the system does not tell."""
    if PROCFS_CPU.exists():
        flags = set((_cpuinfo("flags") or _cpuinfo("Features")).split())
    elif sys.platform == "darwin":
        flags = set(
            _output_of("/usr/sbin/sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features").lower().split()
        )
    else:
        flags = set()
    return tuple(name for name in KNOWN_INSTRUCTION_SETS if name in flags)


@functools.cache
def gpu_name() -> str | None:
    """The first NVIDIA GPU as its driver names it, Intel's where PyTorch was built for it, or Apple's own; None where none
    is known."""
    cards = Path("/proc/driver/nvidia/gpus")
    if cards.is_dir():
        for information in sorted(cards.glob("*/information")):
            for line in information.read_text("utf-8", "replace").splitlines():
                if line.startswith("Model:"):
                    return line.partition(":")[2].strip()
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return processor_name()
    return _intel_gpu(Path("/sys/class/drm")) if _torch_build().endswith("+xpu") else None


def _intel_gpu(cards: Path) -> str | None:
    """Most processors have a small GPU, which only a build of PyTorch for it can use: do not ask without one."""
    vendors = (file.read_text("ascii").strip() for file in cards.glob("card?/device/vendor"))
    return "Intel GPU" if INTEL in vendors else None


def _torch_build() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""


def gpu_count() -> int:
    """NVIDIA GPUs, or Apple's own as one."""
    cards = Path("/proc/driver/nvidia/gpus")
    return sum(1 for _ in cards.iterdir()) if cards.is_dir() else int(gpu_name() is not None)


def _cpuinfo(key: str) -> str:
    for line in PROCFS_CPU.read_text("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _is_cached(descriptor: int, offset: int) -> bool | None:
    """Whether reading here needs no disk; None on file systems that do not tell."""
    try:
        return os.preadv(descriptor, [bytearray(1)], offset, os.RWF_NOWAIT) >= 0
    except BlockingIOError:
        return False
    except OSError:
        return None


def _container_number(name: str) -> int:
    """A figure of the control group this process is in; 0 when there is none or no limit."""
    file = Path("/sys/fs/cgroup") / name
    try:
        text = file.read_text("ascii").strip()
    except (OSError, ValueError):
        return 0
    return int(text) if text.isdecimal() else 0


def existing(folder: Path) -> Path:
    """The folder, or where it is not there the next one above it that is."""
    return next((parent for parent in (folder, *folder.parents) if parent.exists()), Path.cwd())


def _mb(count: int) -> float:
    return round(count / MB, 1)
