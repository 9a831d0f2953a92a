"""A profile of a machine that never was, for arithmetic that must not depend on this one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sidecar import hardware
from sidecar.runtime.calibration import FORMAT, Kept, library
from sidecar.types import Calibration, GemmRate

RATES = {
    "float32": {1: 10.0, 8: 40.0, 128: 200.0},
    "int8": {1: 40.0, 8: 150.0, 128: 400.0},
    "int4": {1: 70.0, 8: 120.0, 128: 90.0},
    "q8_0": {1: 20.0, 128: 80.0},
    "q4_0": {1: 30.0, 128: 100.0},
}


def made_up(**changes: object) -> Calibration:
    """20 GB/s, 10 µs an operation, int8 four times as fast as float32 with one row."""
    values: dict[str, object] = {
        "measured_at": 1.0e9,
        "took_s": 2.5,
        "processor": hardware.processor_name(),
        "library": library(),
        "threads": 2,
        "memory_gb_s": 20.0,
        "gemm": [GemmRate(precision, rows, rate) for precision, rates in RATES.items() for rows, rate in rates.items()],
        "operation_us": 10.0,
        "start_s": 3.0,
        "rounding_mweights_s": 200.0,
        "rounding_int4_mweights_s": 40.0,
        "disk_mb_s": 500.0,
        "cached_mb_s": 4000.0,
        "fresh_mb_s": 1500.0,
    }
    return Calibration(**{**values, **changes})  # type: ignore[arg-type]


def keep(file: Path, profile: Calibration, *, threads: int = 0, format: int = FORMAT) -> None:  # noqa: A002
    """As the service keeps one, measured under the default settings."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(Kept(format, threads, profile)))
