"""Prepares a model in a worker of its own: convert it, compare it with the reference on sample texts, note the result.

It writes only into the folder it is given, and leaves no converted weights there that did not pass. Needs torch and
transformers.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import msgspec
import torch

from sidecar.engines import ctranslate2, verification
from sidecar.engines.comparing import Answers, answers, measures
from sidecar.engines.ctranslate2.conversion import check_convertible, convert
from sidecar.engines.transformers.assembly import assemble
from sidecar.engines.transformers.device import set_threads
from sidecar.engines.transformers.loading import LoadedModel, load_model
from sidecar.runtime.protocol import Load, Prepare
from sidecar.types import Preparation

RESULT = "verification.json"
LIBRARIES = ("ctranslate2", "transformers", "torch")
MB = 1024 * 1024
# The shares of the whole at which these stages are done, as a rule of thumb.
LOADED, ANSWERED, CONVERTED = 0.15, 0.5, 0.75

Report = Callable[[str, float], None]


def prepare(frame: Prepare, report: Report) -> Preparation:
    """Convert in the first of the precisions that passes. Raises Unsupported, LoadFailed, OSError, the libraries' errors."""
    began = time.monotonic()
    set_threads(frame.threads)
    reference = _reference(frame, report)
    folder = Path(frame.folder)
    for precision in frame.precisions:
        report(f"converting to {precision}", ANSWERED)
        shutil.rmtree(folder, ignore_errors=True)
        convert(_loaded(frame), folder, precision)
        report(f"verifying {precision}", CONVERTED)
        result = _verified(frame, precision, reference)
        if result.passed:
            break
    return _recorded(folder, msgspec.structs.replace(result, seconds=round(time.monotonic() - began, 1)))


def _reference(frame: Prepare, report: Report) -> Answers:
    """The original's answers."""
    report("loading", 0.0)
    loaded = _loaded(frame)
    check_convertible(loaded)
    report("asking the original", LOADED)
    return answers(assemble(loaded), frame.task)


def _loaded(frame: Prepare) -> LoadedModel:
    """The original, afresh: asking it changes its generation config, and converting takes some models apart."""
    return load_model(Load(frame.model, frame.path, frame.task, device="cpu", quantization="none"), torch.device("cpu"))


def _verified(frame: Prepare, precision: str, reference: Answers) -> Preparation:
    converted = ctranslate2.load(
        Load(frame.model, frame.path, frame.task, device="cpu", threads=frame.threads, prepared=frame.folder)
    )
    found = measures(frame.task, reference, answers(converted, frame.task))
    complaint = verification.complaint(frame.task, found)
    return Preparation(
        engine="ctranslate2",
        task=frame.task,
        precision=precision,
        passed=not complaint,
        reason=complaint,
        samples=reference.count,
        measures={name: round(value, 6) for name, value in found.items()},
        thresholds=verification.bounds(frame.task),
        libraries={name: version(name) for name in LIBRARIES},
        prepared_at=time.time(),
    )


def _recorded(folder: Path, result: Preparation) -> Preparation:
    """Write the result beside the weights; those that did not pass are deleted."""
    if not result.passed:
        shutil.rmtree(folder)
        folder.mkdir()
    size = sum(file.stat().st_size for file in folder.iterdir())
    result = msgspec.structs.replace(result, size_mb=round(size / MB, 2))
    (folder / RESULT).write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return result
