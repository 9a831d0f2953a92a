"""The row about predictions: ten models of different shapes, predicted before and after one run that corrected them.

A prediction is about the machine at the pace at which it was measured. Where the host lends it another one from second to
second, a request waits until it is back, and an answer counts if it runs so before and after it.
"""

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
ANSWERS = 5
PROMPT, ANSWER = 64, 32
MOMENTS = ("at first", "from its kin", "after one run")
SETTINGS = Settings(spare_worker=False, calibrate=False, memory_limit_mb=20_000)
FIGURES = ("load_s", "memory_mb", "first_token_s", "speed")
ASKED = 3 * ANSWERS  # at most, for so many that count
TRIALS = 6  # of measuring the machine at one pace
PATIENCE = 12  # looks, a second apart, whether the pace of the measurement is back
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


@dataclass(frozen=True)
class Seen:
    """What was predicted, and what came then. `counted`: answers at the pace of the measurement; without any, all count."""

    predicted: Prediction
    figures: Figures
    counted: int


class Machine:
    """Keeps the profile true to the pace at which the machine runs. `pace`: when it was measured last."""

    def __init__(self, manager: ModelManager) -> None:
        self.pace = 0.0
        self._manager = manager

    @property
    def as_measured(self) -> bool:
        """Whether it runs now as it did then."""
        return even(self.pace, pace())

    async def returns(self) -> bool:
        """Wait for that; not for ever."""
        for _ in range(PATIENCE):
            if self.as_measured:
                return True
            await asyncio.sleep(1)
        return False

    async def settle(self) -> None:
        """Measure it, if it was not yet or does not come back to the pace at which it was."""
        if self.pace and await self.returns():
            return
        for _ in range(TRIALS):
            before = pace()
            await self._manager.calibrate()
            self.pace = pace()
            if even(before, self.pace):
                return


def benchmark_models() -> list[Row]:
    """Counts of predictions within a quarter of what was measured, for each figure."""
    folders = {kind.name: kind.make() for kind in KINDS}
    try:
        with tempfile.TemporaryDirectory(prefix="inglenook-bench-") as folder:
            found = asyncio.run(_all(folders, Path(folder)))
    finally:
        _tidy({kind.name: folders[kind.name] for kind in KINDS if kind.own})
    return [
        _row(when, figure, {name: moments[when] for name, moments in found.items()})
        for when in MOMENTS
        for figure in FIGURES
    ]


async def _all(folders: dict[str, Path], data: Path) -> dict[str, dict[str, Seen]]:
    """For each model and each moment of predicting what was seen."""
    found: dict[str, dict[str, Seen]] = {}
    paths = Paths.in_folder(data / "experienced")
    async with ModelManager.open(SETTINGS, paths) as manager:
        machine = Machine(manager)
        for kind in KINDS:
            await machine.settle()
            await _register(manager, kind, folders[kind.name])
            first = await _without_experience(kind, folders[kind.name], paths, data / kind.name)
            kin = await _predicted(manager, kind)
            run, counted = await _measured(manager, machine, kind, "one")
            after = await _predicted(manager, kind)
            again, counted_again = await _measured(manager, machine, kind, "two")
            seen = Seen(first, run, counted), Seen(kin, run, counted), Seen(after, again, counted_again)
            found[kind.name] = dict(zip(MOMENTS, seen, strict=True))
            print(kind.name, *seen, sep="\n  ", file=sys.stderr)
    return found


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


async def _measured(manager: ModelManager, machine: Machine, kind: Kind, mark: str) -> tuple[Figures, int]:
    """A load, an answer to warm up, and the medians of a few more; how many of these count. Leaves the model unloaded."""
    load_s = (await manager.load(kind.name)).load_time_ms / 1000
    ask = _write if kind.task == "text_generation" else _read
    await ask(manager, kind.name, mark)
    counted: list[Figures] = []
    others: list[Figures] = []
    steady = False
    for number in range(ASKED):
        before = steady or await machine.returns()
        answer = await ask(manager, kind.name, f"{mark}{number}")
        steady = machine.as_measured
        (counted if before and steady else others).append(answer)
        if len(counted) == ANSWERS:
            break
    memory = max(child.memory_info().rss for child in psutil.Process().children(recursive=True))
    await manager.unload(kind.name)
    medians = {
        name: statistics.median(answer[name] for answer in counted or others) for name in ("first_token_s", "speed")
    }
    return {"load_s": load_s, "memory_mb": memory / 1e6, **medians}, len(counted)


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


def _row(when: str, figure: str, runs: dict[str, Seen]) -> Row:
    ratios = {name: seen.figures[figure] / _range(seen.predicted, figure).expected for name, seen in runs.items()}
    near = {name for name, ratio in ratios.items() if 1 / (1 + NEAR) <= ratio <= 1 + NEAR}
    at_one_pace = {name for name, seen in runs.items() if seen.counted == ANSWERS}
    inside = sum(
        _range(seen.predicted, figure).low <= seen.figures[figure] <= _range(seen.predicted, figure).high
        for seen in runs.values()
    )
    off = math.exp(statistics.median(abs(math.log(ratio)) for ratio in ratios.values()))
    told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    return Row(
        f"{figure} predicted {when}, within ±{NEAR:.0%}",
        Sample([len(near)], f"of {len(runs)}"),
        9 if figure == "speed" else None,
        f"{PROMPT} tokens in, {ANSWER} out, median of {ANSWERS} answers, those while the machine ran within {EVEN:.0%} of"
        f" the pace at which it was measured; {len(near & at_one_pace)} of the {len(at_one_pace)} models that met it so often;"
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
