"""Measures this machine with llama.cpp's kernels: small models of random weights, one in each kind of rounding.

They are loaded and asked as any other model is. Takes a few seconds of all threads. What the figures mean for a model is
`sidecar.runtime.prediction`'s business.
"""

from __future__ import annotations

import queue
import shutil
import statistics
from pathlib import Path

from sidecar import scratch
from sidecar.engines.base import News
from sidecar.engines.llamacpp import synthetic
from sidecar.engines.llamacpp.loading import load
from sidecar.engines.threads import computing_threads
from sidecar.errors import InferenceFailed
from sidecar.runtime.protocol import Calibrate, Calibrated, Finished, Generate, Generated, Load
from sidecar.types import GemmRate, Sampling

# Blocks of 8 and of 4 bits with their scale: the kernels of other types are about as quick as those of their size.
BYTES_PER_BLOCK = {"Q8_0": 34, "Q4_0": 18}
READ, WRITTEN = 128, 13  # tokens
ROUNDS = 3
PATIENCE_S = 60.0
GREEDY = Sampling(max_new_tokens=WRITTEN, temperature=0.0, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0)


def measure(frame: Calibrate) -> Calibrated:
    """The rates at which weights meet one row, as for each further token, and many, as for a prompt."""
    threads = computing_threads(frame.threads)
    folder = scratch.new_folder()
    try:
        rates = [rate for dtype in BYTES_PER_BLOCK for rate in _rates(dtype, folder, threads)]
    finally:
        # Windows refuses while the library has a file open; then the service does it.
        shutil.rmtree(folder, ignore_errors=True)
    return Calibrated(threads=threads, gemm=rates)


def _rates(dtype: str, folder: Path, threads: int) -> list[GemmRate]:
    file = folder / f"{dtype}.gguf"
    synthetic.write_model(file, dtype, BYTES_PER_BLOCK[dtype])
    answers = _answers(Load("measuring", str(file), "text_generation", "cpu", threads, max_sequences=1))
    reading = statistics.median(answer.prefill_ms / answer.prompt_tokens for answer in answers)
    writing = statistics.median(answer.decode_ms / (answer.completion_tokens - 1) for answer in answers)
    return [_rate(dtype, 1, writing), _rate(dtype, READ, reading)]


def _rate(dtype: str, rows: int, milliseconds: float) -> GemmRate:
    """`milliseconds` of one row."""
    return GemmRate(dtype.lower(), rows, round(2 * synthetic.PARAMETERS / (milliseconds * 1e6), 2))


def _answers(frame: Load) -> list[Generated]:
    """Of a few rounds, after a first that does not count. Raises LoadFailed, InferenceFailed."""
    slots = load(frame).self_scheduling
    if slots is None:
        raise InferenceFailed(reason="the model for measuring was not loaded as one that answers")
    told: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots.connect(told.put)
    answers = []
    for number in range(ROUNDS + 1):
        prompt = chr(ord("a") + number) * READ  # no two begin alike
        slots.submit(Generate(number, prompt, None, GREEDY))
        answers.append(_finished(told))
    return answers[1:]


def _finished(told: queue.SimpleQueue[News]) -> Generated:
    while True:
        match told.get(timeout=PATIENCE_S):
            case Finished(outcome=Generated() as outcome) if outcome.completion_tokens > 1:
                return outcome
            case Finished() as odd:
                raise InferenceFailed(reason=f"measuring ended oddly: {odd.outcome}")
            case _:
                pass
