"""The row about predictions: ten models of different shapes, predicted before and after runs that corrected them.

What the host of this machine lends it changes by half from one second to the next, and a prediction is about the machine as
it was measured. So measuring it and asking each of the models take turns, as ours and a peer do in the other rows, and
the answers of a round are held against what that round's measurement predicts.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from sidecar.config import Settings
from sidecar.paths import Paths
from sidecar.runtime.manager import ModelManager
from sidecar.types import (
    Calibration,
    EmbedRequest,
    GenerateRequest,
    GenerateResponse,
    ModelType,
    Prediction,
    PredictRequest,
    Range,
    RegisterRequest,
)
from tests.bench import models
from tests.bench.report import Row, Sample
from tests.helpers.profile import keep

NEAR = 0.25
ROUNDS = 7
QUIET_S = 1.0
PROMPT, ANSWER = 64, 32
AT_FIRST, FROM_KIN, FROM_RUNS = MOMENTS = ("at first", "from its kin", "from runs of its own")
SETTINGS = Settings(spare_worker=False, calibrate=False, memory_limit_mb=20_000, max_loaded_models=20)
FIGURES = ("load_s", "memory_mb", "first_token_s", "speed")
WANTED = 9
WHY_LOADS_MISS = (
    "each model is loaded once, before or after all rounds: what else the shared machine did in that moment stays in the figure,"
    " and no median takes it out"
)
KEPT_BYTES = 1 << 30  # of models made for this row alone


@dataclass(frozen=True)
class Kind:
    """A model of the row. `own`: made for it, and so deleted when all of them take too much of the disk."""

    name: str
    task: ModelType
    make: Callable[[], Path]
    own: bool = True


KINDS = [
    Kind("llama-30m", "text_generation", lambda: models.decoder("llama-30m", 384, 8)),
    Kind("llama-80m", "text_generation", lambda: models.decoder("llama-80m", 640, 12)),
    Kind("smollm2-135m", "text_generation", models.smollm2_135m, own=False),
    Kind("smollm2-135m-q8_0", "text_generation", models.smollm2_135m_q8_0, own=False),
    Kind("llama-350m", "text_generation", lambda: models.decoder("llama-350m", 1152, 20, half=True)),
    Kind("qwen2-500m", "text_generation", models.qwen2_500m, own=False),
    Kind("gpt2-60m", "text_generation", lambda: models.gpt2("gpt2-60m", 640, 10)),
    Kind("minilm", "embedding", lambda: models.encoder("minilm", 384, 6)),
    Kind("distilbert-like", "embedding", lambda: models.encoder("distilbert-like", 768, 6)),
    Kind("bert-base-like", "embedding", lambda: models.encoder("bert-base-like", 768, 12)),
]

Figures = dict[str, float]
Told = dict[str, Prediction]


@dataclass(frozen=True)
class Round:
    """The machine as measured, and what came of the models, by name: one answer of each that a model's own later
    predictions know, and one, between the times of `span`, that they are held against. Between those of `waking` each was
    asked once, for nothing: what lay idle while the machine was measured has to come back into caches and memory."""

    profile: Calibration
    waking: tuple[float, float]
    taught: dict[str, Figures]
    came: dict[str, Figures]
    span: tuple[float, float]


@dataclass(frozen=True)
class Loaded:
    """A model in its worker. Its memory is that of later: right after the load weights are still being arranged."""

    load_s: float
    worker: psutil.Process

    def figures(self) -> Figures:
        return {"load_s": self.load_s, "memory_mb": self.worker.memory_info().rss / 1e6}


def benchmark_models() -> list[Row]:
    """Counts of predictions within a quarter of what was measured, for each figure."""
    folders = {kind.name: kind.make() for kind in KINDS}
    try:
        with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as folder:
            rows = asyncio.run(_rows(folders, Path(folder)))
    finally:
        _tidy({kind.name: folders[kind.name] for kind in KINDS if kind.own})
    return rows


async def _rows(folders: dict[str, Path], data: Path) -> list[Row]:
    used = Paths.in_folder(data / "used")
    async with ModelManager.open(SETTINGS, used) as manager:
        loading = {kind.name: await _registered(manager, kind, folders[kind.name]) for kind in KINDS}
        rounds = [await _round(manager, number) for number in range(ROUNDS)]
        loads = {name: one.figures() for name, one in loading.items()}
    _forget(used, [one.waking for one in rounds])
    profiles = [one.profile for one in rounds]
    told = {
        AT_FIRST: await _without_runs(folders, Paths.in_folder(data / "new"), profiles),
        FROM_KIN: await _from_kin(folders, used, data, profiles),
    }
    _forget(used, [one.span for one in rounds])
    told[FROM_RUNS] = [await _told(used, profile) for profile in profiles]
    async with ModelManager.open(SETTINGS, used) as manager:
        loading = {kind.name: await _loaded(manager, kind) for kind in KINDS}
        loads_again = {name: one.figures() for name, one in loading.items()}
    taught = _with(loads, [one.taught for one in rounds])
    came = _with(loads, [one.came for one in rounds])
    held = {when: list(zip(told[when] * 2, taught + came, strict=True)) for when in (AT_FIRST, FROM_KIN)}
    held[FROM_RUNS] = list(zip(told[FROM_RUNS], _with(loads_again, came), strict=True))
    return [_row(when, figure, held[when]) for when in MOMENTS for figure in FIGURES]


async def _registered(manager: ModelManager, kind: Kind, folder: Path) -> Loaded:
    await _register(manager, kind, folder)
    return await _loaded(manager, kind)


async def _round(manager: ModelManager, number: int) -> Round:
    profile = await manager.calibrate()
    woke = time.time()
    await _asked(manager, f"wake{number}")
    waking = (woke, time.time())
    taught = await _asked(manager, f"teach{number}")
    began = time.time()
    came = await _asked(manager, f"ask{number}")
    found = Round(profile, waking, taught, came, (began, time.time()))
    print(found, file=sys.stderr)
    return found


async def _loaded(manager: ModelManager, kind: Kind) -> Loaded:
    """After a first answer, which pays for what is done only once, and what goes on behind it."""
    service = psutil.Process()
    others = set(service.children(recursive=True))
    load_s = (await manager.load(kind.name)).load_time_ms / 1000
    await _ask(manager, kind, "warm up")
    worker = max(set(service.children(recursive=True)) - others, key=lambda child: child.memory_info().rss)
    await _quiet(worker)
    return Loaded(load_s, worker)


async def _quiet(worker: psutil.Process) -> None:
    """Until it has arranged and kept its weights: the next model would be loaded beside that."""
    busy = True
    while busy:
        before = sum(worker.cpu_times()[:2])
        await asyncio.sleep(QUIET_S)
        busy = sum(worker.cpu_times()[:2]) - before > QUIET_S / 10


async def _asked(manager: ModelManager, mark: str) -> dict[str, Figures]:
    return {kind.name: await _ask(manager, kind, mark) for kind in KINDS}


async def _without_runs(folders: dict[str, Path], paths: Paths, profiles: Sequence[Calibration]) -> list[Told]:
    """What a service tells that knows the machine, and has run nothing on it."""
    async with ModelManager.open(SETTINGS, paths) as manager:
        for kind in KINDS:
            await _register(manager, kind, folders[kind.name])
    return [await _told(paths, profile) for profile in profiles]


async def _from_kin(folders: dict[str, Path], used: Paths, data: Path, profiles: Sequence[Calibration]) -> list[Told]:
    """What one tells of a model that has run all others, for each of them."""
    told: list[Told] = [{} for _ in profiles]
    for kind in KINDS:
        paths = Paths.in_folder(data / kind.name)
        paths.data_dir.mkdir()
        shutil.copy(used.database, paths.database)
        async with ModelManager.open(SETTINGS, paths) as manager:
            await manager.remove(kind.name)
            await _register(manager, kind, folders[kind.name])
        for one, profile in zip(told, profiles, strict=True):
            one |= await _told(paths, profile, [kind])
    return told


async def _told(paths: Paths, profile: Calibration, kinds: Sequence[Kind] = KINDS) -> Told:
    """What the service there tells of models when the machine was measured so."""
    keep(paths.calibration, profile)
    async with ModelManager.open(SETTINGS, paths) as manager:
        return {kind.name: await _predicted(manager, kind) for kind in kinds}


def _forget(used: Paths, spans: Sequence[tuple[float, float]]) -> None:
    """The runs of those times."""
    with contextlib.closing(sqlite3.connect(used.database)) as connection, connection:
        connection.executemany("DELETE FROM observations WHERE time BETWEEN ? AND ?", spans)


async def _register(manager: ModelManager, kind: Kind, folder: Path) -> None:
    await manager.register(RegisterRequest(name=kind.name, model_type=kind.task, model_path=str(folder)))


async def _predicted(manager: ModelManager, kind: Kind) -> Prediction:
    found = await manager.predict(kind.name, PredictRequest(PROMPT, ANSWER))
    if found.prediction is None:
        raise RuntimeError(found.reason)
    return found.prediction


async def _ask(manager: ModelManager, kind: Kind, mark: str) -> Figures:
    return await (_write if kind.task == "text_generation" else _read)(manager, kind.name, mark)


def _with(loads: dict[str, Figures], rounds: Sequence[dict[str, Figures]]) -> list[dict[str, Figures]]:
    return [{name: figures | loads[name] for name, figures in one.items()} for one in rounds]


async def _write(manager: ModelManager, name: str, mark: str) -> Figures:
    request = GenerateRequest(prompt=_text(mark), max_new_tokens=ANSWER, temperature=0)
    answer = await manager.generate(name, request, caller="owner")
    if not isinstance(answer, GenerateResponse):
        raise TypeError(answer)
    timings = answer.timings
    return {"first_token_s": timings.time_to_first_token_ms / 1000, "speed": timings.tokens_per_second}


async def _read(manager: ModelManager, name: str, mark: str) -> Figures:
    answer = await manager.embed(name, EmbedRequest(texts=[" ".join([mark, *["x"] * (PROMPT - 1)])]), caller="owner")
    return {"first_token_s": answer.execution_time_ms / 1000, "speed": 1000 / answer.execution_time_ms}


def _text(mark: str) -> str:
    """So many tokens of a model that writes, one a character, that begin like no other text."""
    return mark.ljust(PROMPT, "x")


def _range(prediction: Prediction, figure: str) -> Range:
    """A model that reads has no first token: its whole answer stands there."""
    found = {
        "load_s": prediction.load_s,
        "memory_mb": prediction.memory_mb,
        "first_token_s": prediction.first_token_s or prediction.total_s,
        "speed": prediction.tokens_per_second or prediction.texts_per_second,
    }[figure]
    if found is None:
        raise LookupError(figure)
    return found


def _row(when: str, figure: str, held: Sequence[tuple[Told, dict[str, Figures]]]) -> Row:
    """`held`: in each round what was told and what came."""
    ratios = {
        kind.name: statistics.median(
            came[kind.name][figure] / _range(told[kind.name], figure).expected for told, came in held
        )
        for kind in KINDS
    }
    ranges = {name: _range(prediction, figure) for name, prediction in held[0][0].items()}
    inside = sum(one.low <= ratios[name] * one.expected <= one.high for name, one in ranges.items())
    near = sum(1 / (1 + NEAR) <= ratio <= 1 + NEAR for ratio in ratios.values())
    off = math.exp(statistics.median(abs(math.log(ratio)) for ratio in ratios.values()))
    each = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    why = [WHY_LOADS_MISS] if near < WANTED and figure == "load_s" else []
    return Row(
        f"{figure} predicted {when}, within ±{NEAR:.0%}",
        Sample([near], f"of {len(KINDS)}"),
        WANTED,
        f"{PROMPT} tokens in, {ANSWER} out; {ROUNDS} rounds in turn of measuring the machine, waking each model and asking it twice;"
        f" {inside} within the range told; usually off by ×{off:.2f}",
        higher_is_better=True,
        notes=[*why, f"measured / predicted, the median of the rounds: {each}"],
    )


def _tidy(own: dict[str, Path]) -> None:
    """Delete the models made for this row when they take more than a gigabyte."""
    size = sum(file.stat().st_size for folder in own.values() for file in folder.rglob("*"))
    if size > KEPT_BYTES:
        for folder in own.values():
            shutil.rmtree(folder)
