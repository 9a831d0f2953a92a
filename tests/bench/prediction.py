"""The row about predictions: ten models of different shapes, predicted before and after one run that corrected them."""

from __future__ import annotations

import asyncio
import math
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from sidecar.config import Settings
from sidecar.paths import Paths
from sidecar.runtime.manager import ModelManager
from sidecar.types import (
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
from tests.bench.pace import EVEN, even, pace
from tests.bench.report import Row, Sample

NEAR = 0.25
ANSWERS = 3
PROMPT, ANSWER = 64, 32
SETTINGS = Settings(spare_worker=False, calibrate=False, memory_limit_mb=20_000)
FIGURES = ("load_s", "memory_mb", "first_token_s", "speed")
TRIALS = 5
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
Seen = tuple[Prediction, Figures]


def benchmark_models() -> list[Row]:
    """Counts of predictions within a quarter of what was measured, for each figure."""
    folders = {kind.name: kind.make() for kind in KINDS}
    try:
        with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as folder:
            found, uneven = asyncio.run(_all(folders, Path(folder)))
    finally:
        _tidy({kind.name: folders[kind.name] for kind in KINDS if kind.own})
    return [_row(when, figure, runs, uneven) for when, runs in found.items() for figure in FIGURES]


async def _all(folders: dict[str, Path], data: Path) -> tuple[dict[str, dict[str, Seen]], set[str]]:
    """For each moment of predicting and each model: what was predicted, and what came then; and the models that stayed
    uneven: the pace of the machine changed meanwhile, however often they were tried.
    """
    found: dict[str, dict[str, Seen]] = {"at first": {}, "from its kin": {}, "after one run": {}}
    uneven: set[str] = set()
    paths = Paths.in_folder(data / "experienced")
    async with ModelManager.open(SETTINGS, paths) as manager:
        for kind in KINDS:
            for trial in range(TRIALS):
                await _register(manager, kind, folders[kind.name])
                paces: list[float] = []
                last = trial == TRIALS - 1
                seen = await _tried(
                    manager, paths, kind, folders[kind.name], data / f"{kind.name}-{trial}", paces, last
                )
                print(kind.name, [f"{speed:.0f}" for speed in paces], seen, sep="\n  ", file=sys.stderr)
                if even(paces) or last:
                    break
                await manager.remove(kind.name)  # and what was learned from it
            if not even(paces):
                uneven.add(kind.name)
            for when, one in seen.items():
                found[when][kind.name] = one
    return found, uneven


async def _tried(
    manager: ModelManager,
    paths: Paths,
    kind: Kind,
    folder: Path,
    empty: Path,
    paces: list[float],
    uneven_too: bool,
) -> dict[str, Seen]:
    """The machine measured, the model predicted, run, predicted and run again. `paces` gets those of the machine in between;
    once they differ it is given up, unless `uneven_too`.
    """
    paces.append(pace())
    await manager.calibrate()
    paces.append(pace())
    if not (even(paces) or uneven_too):
        return {}
    at_first = await _without_experience(kind, folder, paths, empty)
    kin = await _predicted(manager, kind)
    run = await _measured(manager, kind, "one", paces)
    if not (even(paces) or uneven_too):
        return {}
    after = await _predicted(manager, kind)
    again = await _measured(manager, kind, "two", paces)
    return {"at first": (at_first, run), "from its kin": (kin, run), "after one run": (after, again)}


async def _without_experience(kind: Kind, folder: Path, measured: Paths, empty: Path) -> Prediction:
    """What a service tells that knows the machine, and has run nothing on it."""
    paths = Paths.in_folder(empty)
    paths.calibration.parent.mkdir(parents=True)
    shutil.copy(measured.calibration, paths.calibration)
    async with ModelManager.open(SETTINGS, paths) as manager:
        await _register(manager, kind, folder)
        return await _predicted(manager, kind)


async def _register(manager: ModelManager, kind: Kind, folder: Path) -> None:
    await manager.register(RegisterRequest(name=kind.name, model_type=kind.task, model_path=str(folder)))


async def _predicted(manager: ModelManager, kind: Kind) -> Prediction:
    found = await manager.predict(kind.name, PredictRequest(PROMPT, ANSWER))
    if found.prediction is None:
        raise RuntimeError(found.reason)
    return found.prediction


async def _measured(manager: ModelManager, kind: Kind, mark: str, paces: list[float]) -> Figures:
    """A load, an answer to warm up, and the medians of a few more. Leaves the model unloaded."""
    load_s = (await manager.load(kind.name)).load_time_ms / 1000
    ask = _write if kind.task == "text_generation" else _read
    await ask(manager, kind.name, mark)
    paces.append(pace())
    answers = [await ask(manager, kind.name, f"{mark}{number}") for number in range(ANSWERS)]
    paces.append(pace())
    memory = max(child.memory_info().rss for child in psutil.Process().children(recursive=True))
    await manager.unload(kind.name)
    medians = {name: statistics.median(answer[name] for answer in answers) for name in answers[0]}
    return {"load_s": load_s, "memory_mb": memory / 1e6, **medians}


async def _write(manager: ModelManager, name: str, mark: str) -> Figures:
    request = GenerateRequest(prompt=_text(mark), max_new_tokens=ANSWER, temperature=0)
    answer = await manager.generate(name, request, caller="owner")
    if not isinstance(answer, GenerateResponse):
        raise TypeError(answer)
    timings = answer.timings
    return {"first_token_s": timings.time_to_first_token_ms / 1000, "speed": timings.tokens_per_second}


async def _read(manager: ModelManager, name: str, mark: str) -> Figures:
    answer = await manager.embed(name, EmbedRequest(texts=[_text(mark)]), caller="owner")
    return {"first_token_s": answer.execution_time_ms / 1000, "speed": 1000 / answer.execution_time_ms}


def _text(mark: str) -> str:
    """So many tokens, one a character, that begin like no other text."""
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


def _row(when: str, figure: str, runs: dict[str, Seen], uneven: set[str]) -> Row:
    ratios = {name: seen[figure] / _range(predicted, figure).expected for name, (predicted, seen) in runs.items()}
    near = {name for name, ratio in ratios.items() if 1 / (1 + NEAR) <= ratio <= 1 + NEAR}
    inside = sum(
        _range(predicted, figure).low <= seen[figure] <= _range(predicted, figure).high
        for predicted, seen in runs.values()
    )
    off = math.exp(statistics.median(abs(math.log(ratio)) for ratio in ratios.values()))
    even_ones = f"{len(near - uneven)} of the {len(runs) - len(uneven)} models that met an even pace"
    told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    return Row(
        f"{figure} predicted {when}, within ±{NEAR:.0%}",
        Sample([len(near)], f"of {len(runs)}"),
        9 if figure == "speed" else None,
        f"{even_ones} (within {EVEN:.0%}, {TRIALS} trials each); the machine measured anew before each;"
        f" {PROMPT} tokens in, {ANSWER} out, median of {ANSWERS} answers;"
        f" {inside} within the range told; usually off by ×{off:.2f}",
        higher_is_better=True,
        notes=[f"measured / predicted: {told}"],
    )


def _tidy(own: dict[str, Path]) -> None:
    """Delete the models made for this row when they take more than a gigabyte."""
    size = sum(file.stat().st_size for folder in own.values() for file in folder.rglob("*"))
    if size > KEPT_BYTES:
        for folder in own.values():
            shutil.rmtree(folder)
