"""The measured profile of this machine: read from its file, measured when it is missing or stale and nothing else runs.

Measuring happens in a worker process that lives for it alone. A request that arrives meanwhile goes first: the
measurement is given up, and taken up again when the service is quiet. What was measured while other programs kept the
processor busy serves until a better measurement.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from sidecar import decoding, hardware
from sidecar.errors import Conflict, EnvironmentFault, InglenookError
from sidecar.runtime.protocol import Calibrated
from sidecar.runtime.resident import Clock, Timer
from sidecar.types import Calibration

log = logging.getLogger(__name__)

FORMAT = 8  # of the file and of what is measured
QUIET_S = 20.0
AGAIN_S = 300.0  # until a machine that was busy is measured again, doubled each time
WATCH_S = 0.05
LIBRARY = "torch"
NOT_YET = "This machine has not been measured yet; it will be once nothing else runs."


class Kept(Struct):
    """The file: the profile, and under which settings it was measured."""

    format: int
    threads: int
    profile: Calibration


class Figures(Struct):
    """One measurement: what the worker found, and seconds until its libraries were imported; those of other engines, too."""

    found: Calibrated
    start_s: float
    engine_start_s: dict[str, float] = {}


class Calibrator:
    """`measure()` asks a worker. `idle_s()`: seconds since the last request or load ended, 0 while one runs. `wanted()`:
    whether to measure without being asked. `threads()`: the setting."""

    def __init__(
        self,
        file: Path,
        *,
        measure: Callable[[], Awaitable[Figures]],
        idle_s: Callable[[], float],
        wanted: Callable[[], bool],
        threads: Callable[[], int],
        clock: Clock,
    ) -> None:
        self.profile: Calibration | None = None
        self.reason: str | None = NOT_YET
        self._file = file
        self._measure = measure
        self._idle_s = idle_s
        self._wanted = wanted
        self._threads = threads
        self._clock = clock
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._running = False
        self._measured_with = threads()
        self._again_s = AGAIN_S

    async def open(self) -> None:
        """Read the kept profile; without one that holds, measure as soon as the service is quiet."""
        try:
            self.profile, self.reason = await asyncio.to_thread(_usable, self._file, self._threads())
        except EnvironmentFault as error:
            self.reason = error.message
        if self.profile is None:
            self.measure_when_quiet()
        else:
            self._again_if_busy(self.profile)

    def settings_changed(self) -> None:
        """A profile for another number of threads is not used; it may also be wanted only now."""
        if self.profile is not None and self._measured_with != self._threads():
            self.profile, self.reason = None, _again("the number of threads")
        if self.profile is None:
            self.measure_when_quiet()

    def measure_when_quiet(self) -> None:
        if self._timer is None and self._wanted():
            self._timer = self._clock.call_later(max(0.1, QUIET_S - self._idle_s()), self._try)

    async def measure(self) -> Calibration:
        """Measure now. Raises Conflict while requests run or a measurement does; LoadFailed, EnvironmentFault."""
        if self._running:
            raise Conflict("This machine is being measured already.", reason="already measuring")
        if self._idle_s() <= 0:
            raise Conflict("Requests are running: they would spoil the figures. Try again later.", reason="busy")
        self._running = True
        threads = self._threads()
        try:
            profile = await self._measured()
            await asyncio.to_thread(_write, self._file, Kept(FORMAT, threads, profile))
        finally:
            self._running = False
        self.profile, self.reason, self._measured_with = profile, None, threads
        self._again_if_busy(profile)
        return profile

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _again_if_busy(self, profile: Calibration) -> None:
        if profile.rough and self._timer is None and self._wanted():
            self._timer = self._clock.call_later(self._again_s, self._try)
            self._again_s *= 2

    def _try(self) -> None:
        self._timer = None
        if self._idle_s() < QUIET_S:
            self.measure_when_quiet()
        elif self._wanted():
            self._task = asyncio.create_task(self._measure_unasked(), name="calibration")

    async def _measure_unasked(self) -> None:
        try:
            await self.measure()
        except Conflict:
            self.measure_when_quiet()
        except InglenookError as error:
            self.reason = f"This machine could not be measured: {error.message}"
            log.warning("%s", self.reason)

    async def _measured(self) -> Calibration:
        began = time.monotonic()
        measuring = asyncio.ensure_future(self._measure())
        try:
            while not measuring.done():
                await asyncio.wait({measuring}, timeout=WATCH_S)
                if self._idle_s() <= 0:
                    raise Conflict("A request came in, and the measurement was given up for it.", reason="busy")
            figures = measuring.result()
        finally:
            measuring.cancel()
            with contextlib.suppress(asyncio.CancelledError, InglenookError):
                await measuring
        return await asyncio.to_thread(_profile, figures, time.monotonic() - began)


def library() -> str:
    """The library that computes, with its version, learned without importing it."""
    try:
        return f"{LIBRARY} {importlib.metadata.version(LIBRARY)}"
    except importlib.metadata.PackageNotFoundError:
        return LIBRARY


def _profile(figures: Figures, took_s: float) -> Calibration:
    found = figures.found
    return Calibration(
        measured_at=time.time(),
        took_s=round(took_s, 2),
        processor=hardware.processor_name(),
        library=library(),
        threads=found.threads,
        memory_gb_s=found.memory_gb_s,
        gemm=found.gemm,
        operation_us=found.operation_us,
        start_s=round(figures.start_s, 2),
        rounding_mweights_s=found.rounding_mweights_s,
        rounding_int4_mweights_s=found.rounding_int4_mweights_s,
        disk_mb_s=found.disk_mb_s,
        cached_mb_s=found.cached_mb_s,
        fresh_mb_s=found.fresh_mb_s,
        others_share=found.others_share,
        engine_start_s={engine: round(seconds, 2) for engine, seconds in figures.engine_start_s.items()},
    )


def _usable(file: Path, threads: int) -> tuple[Calibration | None, str | None]:
    """The kept profile, or why there is none. Raises EnvironmentFault."""
    if (kept := _read(file)) is None:
        return None, NOT_YET
    if changed := _changes(kept, threads):
        return None, _again(changed)
    return kept.profile, None


def _again(changed: str) -> str:
    return f"This machine will be measured anew once nothing else runs: {changed} changed."


def _changes(kept: Kept, threads: int) -> str:
    """What differs from when the profile was measured, in words."""
    differs = {
        "what is measured": kept.format != FORMAT,
        "the processor": kept.profile.processor != hardware.processor_name(),
        "the library": kept.profile.library != library(),
        "the number of threads": kept.threads != threads,
    }
    return " and ".join(what for what, so in differs.items() if so)


def _read(file: Path) -> Kept | None:
    """None where there is no file. One that cannot be understood is set aside: raises EnvironmentFault that says where."""
    try:
        return decoding.from_json(file.read_bytes(), Kept)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentFault(f"The profile of this machine, {file}, cannot be read: {error}.") from error
    except msgspec.MsgspecError as error:
        aside = file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        file.replace(aside)
        message = f"The profile of this machine was damaged and is set aside as {aside}; it will be measured anew."
        raise EnvironmentFault(message, path=str(aside)) from error


def _write(file: Path, kept: Kept) -> None:
    """Raises EnvironmentFault."""
    draft = file.with_name(file.name + ".new")
    try:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
        draft.replace(file)
    except OSError as error:
        raise EnvironmentFault(f"The profile of this machine could not be kept in {file}: {error}.") from error
