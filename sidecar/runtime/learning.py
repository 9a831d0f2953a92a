"""Turns finished runs into evidence, and evidence into what corrects a prediction.

It decides which runs are comparable: those that had the machine to themselves, were long enough to be timed, and read
their whole prompt instead of remembering a part of it. A worker's first answer pays for what it does only once.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import cast

from sidecar.registry.store import ModelVersion
from sidecar.runtime import prediction
from sidecar.runtime.correction import Correction, Quantity, correction
from sidecar.runtime.description import Description
from sidecar.runtime.evidence import Evidence, Kind, Observation
from sidecar.runtime.prediction import Surroundings
from sidecar.runtime.protocol import Decided, Generated, Loaded, ModelFacts, Outcome, Translated
from sidecar.runtime.record import Record
from sidecar.types import Calibration, Measured, PredictRequest

QUANTITIES: tuple[Quantity, ...] = ("start", "load", "memory", "first", "step")
SHORTEST_START_S = 0.1  # less is a spare process that waited
FEWEST_STEPS = 8  # fewer are too short to time
BEGINNING = 100  # characters, about as many tokens as an engine reuses at least
BEGINNINGS = 64
MB = 1e6

Runs = tuple[Description, list[Observation]]


class Learning:
    """Hears of loads and answers. It keeps no text: of prompts only whether a beginning was seen before."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._beginnings: deque[int] = deque(maxlen=BEGINNINGS)
        self._fresh: set[str] = set()  # loaded, and not asked yet

    def loaded(self, version: ModelVersion, loaded: Loaded, start_s: float, before: Surroundings) -> None:
        """`start_s`: until there was a process to load into; next to nothing where a spare one waited."""
        facts = loaded.facts
        self._fresh.add(version.model)
        self._evidence.add(
            Observation(
                time.time(),
                version.model,
                version.version,
                facts.engine,
                facts.precision,
                "load",
                first_s=loaded.load_ms / 1000,
                rest_s=start_s,
                memory_bytes=facts.memory_bytes,
                cached_share=before.cached_share,
                rounded_before=before.rounded_before,
            )
        )

    def answered(self, record: Record, facts: ModelFacts, outcome: Outcome, first_token_ms: float) -> None:
        """`first_token_ms`: from the request's arrival."""
        fresh = record.version.model in self._fresh
        self._fresh.discard(record.version.model)
        if isinstance(outcome, Generated):
            odd = self._may_be_remembered(record) or fresh or record.images
            first_s = None if odd else (first_token_ms - record.queue_ms) / 1000
            rest_s = outcome.decode_ms / 1000 if outcome.completion_tokens > FEWEST_STEPS else None
            if record.inputs == 1:
                self._add(record, facts, outcome.prompt_tokens, outcome.completion_tokens, first_s, rest_s)
        elif not (self._was_decided_before(record, outcome) or fresh):
            whole_s = (record.elapsed_ms - record.queue_ms) / 1000
            self._add(record, facts, *_tokens(outcome), whole_s, None)

    def _add(
        self,
        record: Record,
        facts: ModelFacts,
        prompt_tokens: int,
        completion_tokens: int,
        first_s: float | None,
        rest_s: float | None,
    ) -> None:
        if record.alone and prompt_tokens and (first_s is not None or rest_s is not None):
            self._evidence.add(
                Observation(
                    record.began_at,
                    record.version.model,
                    record.version.version,
                    facts.engine,
                    facts.precision,
                    cast("Kind", record.kind),
                    record.inputs,
                    prompt_tokens,
                    completion_tokens,
                    first_s,
                    rest_s,
                )
            )

    def _was_decided_before(self, record: Record, outcome: Outcome) -> bool:
        """Of all that is told as a whole only decisions read what an engine remembers."""
        return isinstance(outcome, Decided) and self._may_be_remembered(record)

    def _may_be_remembered(self, record: Record) -> bool:
        """Whether a prompt that began like this was asked before: its reading may have been saved."""
        beginning = hash((record.version.model, record.input_text()[:BEGINNING]))
        known = beginning in self._beginnings
        if not known:
            self._beginnings.append(beginning)
        return known


def _tokens(outcome: Outcome) -> tuple[int, int]:
    """Read and written."""
    if isinstance(outcome, Translated | Generated):
        return outcome.prompt_tokens, outcome.completion_tokens
    return outcome.tokens, 0


def corrections(own: Runs, kin: Iterable[Runs], profile: Calibration) -> dict[Quantity, Correction]:
    """`own`: the model and its runs; `kin`: other models of the same engine, way and precision with theirs."""
    others = list(kin)
    return {
        quantity: correction(
            quantity, ratios(quantity, own, profile), [ratios(quantity, other, profile) for other in others]
        )
        for quantity in QUANTITIES
    }


def ratios(quantity: Quantity, runs: Runs, profile: Calibration) -> list[float]:
    """Measured by predicted, of every run that tells something about the quantity."""
    model, observations = runs
    found = [_ratio(quantity, model, seen, profile) for seen in observations]
    return [ratio for ratio in found if ratio is not None and ratio > 0 and math.isfinite(ratio)]


def _ratio(quantity: Quantity, model: Description, seen: Observation, profile: Calibration) -> float | None:
    if seen.kind == "load":
        return _load_ratio(quantity, model, seen, profile)
    asked = _asked(seen)
    first = prediction.first_token(model, profile, asked, Surroundings()).seconds
    step = prediction.further_token(model, profile, asked).seconds
    if seen.kind == "translate":  # only the whole was timed, and reading is little of it
        whole = first + step * (asked.max_new_tokens - 1)
        return seen.first_s / whole if seen.first_s and quantity in ("first", "step") else None
    if quantity == "first" and seen.first_s is not None:
        return seen.first_s / first
    if quantity == "step" and seen.rest_s is not None:
        return seen.rest_s / (seen.completion_tokens - 1) / step
    return None


def _load_ratio(quantity: Quantity, model: Description, seen: Observation, profile: Calibration) -> float | None:
    if quantity == "start" and seen.rest_s and seen.rest_s >= SHORTEST_START_S:
        return seen.rest_s / profile.start_of(model.engine)
    share = 1.0 if seen.cached_share is None else seen.cached_share
    around = Surroundings(share, rounded_before=bool(seen.rounded_before))
    if quantity == "load" and seen.first_s:
        return seen.first_s / prediction.loading(model, profile, around).seconds
    # The library maps its files: what no request has touched yet does not count as memory, unless it was rounded.
    if quantity == "memory" and seen.memory_bytes and (model.way in ("fused", "native") or model.rounded):
        return seen.memory_bytes / prediction.held_bytes(model, around)
    return None


def _asked(seen: Observation) -> PredictRequest:
    """The request in the terms of a prediction: tokens of one text."""
    per_text = max(1, round(seen.prompt_tokens / seen.inputs))
    return PredictRequest(per_text, max(1, round(seen.completion_tokens / seen.inputs)), seen.inputs)


def measured(runs: Sequence[Observation]) -> Measured:
    """Medians of what the runs took."""
    loads = [run for run in runs if run.kind == "load"]
    answers = [run for run in runs if run.kind != "load"]
    written = [run for run in answers if run.kind == "generate"]
    texts = [run for run in answers if run.kind != "generate" and run.first_s]
    return Measured(
        loads=len(loads),
        load_s=_median((run.first_s or 0.0) + (run.rest_s or 0.0) for run in loads),
        memory_mb=_median(run.memory_bytes / MB for run in loads if run.memory_bytes),
        answers=len(answers),
        prompt_tokens=_median(run.prompt_tokens / run.inputs for run in answers),
        first_token_s=_median(run.first_s for run in written),
        tokens_per_second=_median((run.completion_tokens - 1) / run.rest_s for run in written if run.rest_s),
        texts_per_second=_median(run.inputs / run.first_s for run in texts if run.first_s),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(f"{statistics.median(known):.4g}") if known else None
