"""The row about predictions: ten models of different shapes, predicted before and after runs that corrected them.

What the host of this machine lends it changes by half from one second to the next, and a prediction is about the machine as
it was measured. So measuring it and loading or asking each of the models take turns, as ours and a peer do in the other
rows, and what came of a round is held against what that round's measurement predicts.
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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
LOAD_ROUNDS, ROUNDS = 3, 7
ANSWERS = 3
QUIET_S = 1.0
PROMPT, ANSWER = 64, 32
AT_FIRST, FROM_KIN, FROM_RUNS = ("at first", "from its kin", "from runs of its own")
SETTINGS = Settings(spare_worker=False, calibrate=False, memory_limit_mb=20_000, max_loaded_models=20)
OF_LOADS = ("load_s", "memory_mb")
OF_ANSWERS = ("first_token_s", "speed")
WANTED = 9
LOADING = (
    f"{LOAD_ROUNDS} rounds in turn of measuring the machine and loading each model twice, alone, in a process of its own, its files"
    " in memory: as if for the first time, and once more"
)
ANSWERING = (
    f"{PROMPT} tokens in, {ANSWER} out; {ROUNDS} rounds in turn of measuring, waking and asking twice {ANSWERS} times"
)
PIECE = 1 << 22
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
Span = tuple[float, float]


@dataclass(frozen=True)
class Round:
    """The machine as measured, and what came of the models, by name: once so that a model's own later predictions know it,
    and once so that they are held against it. What ran in the times of `unlearned` they do not know."""

    profile: Calibration
    taught: dict[str, Figures]
    came: dict[str, Figures]
    unlearned: list[Span]


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
    for_loads, for_answers = Paths.in_folder(data / "loads"), Paths.in_folder(data / "answers")
    loads = await _seen(folders, for_loads, partial(_load_rounds, derived=for_loads.derived_dir))
    answers = await _seen(folders, for_answers, _answer_rounds)
    return [
        *await _compared(folders, for_loads, loads, OF_LOADS, LOADING),
        *await _compared(folders, for_answers, answers, OF_ANSWERS, ANSWERING),
    ]


async def _seen(
    folders: dict[str, Path], paths: Paths, rounds: Callable[[ModelManager, dict[str, Path]], Awaitable[list[Round]]]
) -> list[Round]:
    """What came of the rounds in a service there, which knows afterwards only what shall be learned from them."""
    async with ModelManager.open(SETTINGS, paths) as manager:
        for kind in KINDS:
            await _register(manager, kind, folders[kind.name])
        seen = await rounds(manager, folders)
    _forget(paths, [span for one in seen for span in one.unlearned])
    return seen


async def _compared(
    folders: dict[str, Path], used: Paths, rounds: Sequence[Round], figures: Sequence[str], how: str
) -> list[Row]:
    """Predictions and what came, at each of the moments. `used`: of the service in which it came."""
    data, profiles = used.data_dir, [one.profile for one in rounds]
    taught, came = [one.taught for one in rounds], [one.came for one in rounds]
    held = {
        AT_FIRST: (await _without_runs(folders, Paths.in_folder(data / "new"), profiles), taught),
        FROM_KIN: (await _from_kin(folders, used, data, profiles), taught),
        FROM_RUNS: ([await _told(used, profile, folders) for profile in profiles], came),
    }
    return [
        _row(when, figure, list(zip(told, found, strict=True)), how)
        for when, (told, found) in held.items()
        for figure in figures
    ]


async def _load_rounds(manager: ModelManager, folders: dict[str, Path], derived: Path) -> list[Round]:
    return [_shown(await _load_round(manager, folders, derived)) for _ in range(LOAD_ROUNDS)]


async def _load_round(manager: ModelManager, folders: dict[str, Path], derived: Path) -> Round:
    """`derived`: where loads keep what they rounded; the second load of a model finds it."""
    found = Round(await manager.calibrate(), {}, {}, [])
    shutil.rmtree(derived, ignore_errors=True)
    for kind in KINDS:
        found.taught[kind.name] = await _loaded_alone(manager, kind, folders)
        began = time.time()
        found.came[kind.name] = await _loaded_alone(manager, kind, folders)
        found.unlearned.append((began, time.time()))
    return found


async def _loaded_alone(manager: ModelManager, kind: Kind, folders: dict[str, Path]) -> Figures:
    figures = await _loaded(manager, kind, folders)
    await manager.unload(kind.name)
    return figures


async def _answer_rounds(manager: ModelManager, folders: dict[str, Path]) -> list[Round]:
    for kind in KINDS:
        await _loaded(manager, kind, folders)
    return [_shown(await _answer_round(manager, number)) for number in range(ROUNDS)]


async def _answer_round(manager: ModelManager, number: int) -> Round:
    """Each model is asked once before it counts: what lay idle while the machine was measured has to come back into caches
    and memory."""
    profile = await manager.calibrate()
    woke = time.time()
    await _asked(manager, f"wake{number}")
    waking = (woke, time.time())
    taught = await _asked(manager, f"teach{number}")
    began = time.time()
    came = await _asked(manager, f"ask{number}")
    return Round(profile, taught, came, [waking, (began, time.time())])


def _shown(found: Round) -> Round:
    print(found, file=sys.stderr)
    return found


async def _loaded(manager: ModelManager, kind: Kind, folders: dict[str, Path]) -> Figures:
    """Its memory is that of later: right after the load weights are still being arranged, and a first answer pays for what is
    done only once."""
    _read_all(folders[kind.name])
    service = psutil.Process()
    others = set(service.children(recursive=True))
    load_s = (await manager.load(kind.name)).load_time_ms / 1000
    await _ask(manager, kind, "warm up")
    worker = max(set(service.children(recursive=True)) - others, key=lambda child: child.memory_info().rss)
    await _quiet(worker)
    return {"load_s": load_s, "memory_mb": worker.memory_info().rss / 1e6}


def _read_all(model: Path) -> None:
    """So that the system holds the files: how much of them it happens to hold changes from load to load."""
    for file in [model] if model.is_file() else model.iterdir():
        with file.open("rb") as stream:
            while stream.read(PIECE):
                pass


async def _quiet(worker: psutil.Process) -> None:
    """Until it has arranged and kept its weights: the next model would be loaded beside that."""
    busy = True
    while busy:
        before = sum(worker.cpu_times()[:2])
        await asyncio.sleep(QUIET_S)
        busy = sum(worker.cpu_times()[:2]) - before > QUIET_S / 10


async def _asked(manager: ModelManager, mark: str) -> dict[str, Figures]:
    """Medians of a few answers: a single short one may take several times as long as the next."""
    return {kind.name: _medians([await _ask(manager, kind, f"{mark}{n}") for n in range(ANSWERS)]) for kind in KINDS}


def _medians(answers: Sequence[Figures]) -> Figures:
    return {figure: statistics.median(one[figure] for one in answers) for figure in answers[0]}


async def _without_runs(folders: dict[str, Path], paths: Paths, profiles: Sequence[Calibration]) -> list[Told]:
    """What a service tells that knows the machine, and has run nothing on it."""
    async with ModelManager.open(SETTINGS, paths) as manager:
        for kind in KINDS:
            await _register(manager, kind, folders[kind.name])
    return [await _told(paths, profile, folders) for profile in profiles]


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
            one |= await _told(paths, profile, folders, [kind])
    return told


async def _told(paths: Paths, profile: Calibration, folders: dict[str, Path], kinds: Sequence[Kind] = KINDS) -> Told:
    """What the service there tells of models when the machine was measured so."""
    keep(paths.calibration, profile)
    told = {}
    async with ModelManager.open(SETTINGS, paths) as manager:
        for kind in kinds:
            _read_all(folders[kind.name])
            told[kind.name] = await _predicted(manager, kind)
    return told


def _forget(used: Paths, spans: Sequence[Span]) -> None:
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


def _row(when: str, figure: str, held: Sequence[tuple[Told, dict[str, Figures]]], how: str) -> Row:
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
    return Row(
        f"{figure} predicted {when}, within ±{NEAR:.0%}",
        Sample([near], f"of {len(KINDS)}"),
        WANTED,
        f"{how}; {inside} within the range told; usually off by ×{off:.2f}",
        higher_is_better=True,
        notes=[f"measured / predicted, the median of the rounds: {each}"],
    )


def _tidy(own: dict[str, Path]) -> None:
    """Delete the models made for this row when they take more than a gigabyte."""
    size = sum(file.stat().st_size for folder in own.values() for file in folder.rglob("*"))
    if size > KEPT_BYTES:
        for folder in own.values():
            shutil.rmtree(folder)
