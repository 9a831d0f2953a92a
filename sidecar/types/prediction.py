"""What this machine can do, and what a model would do on it: measured, predicted, and side by side."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sidecar.types.common import Count, Request, Response

BUSY = 0.2  # of the processor, used by others while it is measured


class GemmRate(Response):
    """The rate of a matrix product with weights of `precision` for so many rows, in 10⁹ operations a second."""

    precision: str
    rows: int
    gflops: float


class Calibration(Response):
    """The measured profile of this machine. `measured_at` in Unix seconds, `took_s` for all of it.

    `operation_us`: what one operation costs before it computes anything. `start_s`: from starting a worker's process until
    its libraries are imported; `engine_start_s`: the same of other engines. `rounding_mweights_s`: millions of weights rounded
    to 8 bits a second, `rounding_int4_mweights_s` to 4 bits, null without such kernels. `disk_mb_s`: reading a model's file
    that the system was asked to forget, null where it cannot be asked or there was no file; `cached_mb_s`: the same file from
    memory. `fresh_mb_s`: writing to memory that the process did not have before, page by page, null where too little was free.
    `others_share`: what other programs used of the processor meanwhile, 0 to 1; from 0.2 on (`BUSY`) the figures are
    too low, and the machine is measured again later. The profile holds for this processor, library and thread count.
    """

    measured_at: float
    took_s: float
    processor: str
    library: str
    threads: int
    memory_gb_s: float
    gemm: list[GemmRate]
    operation_us: float
    start_s: float
    rounding_mweights_s: float | None
    disk_mb_s: float | None
    cached_mb_s: float | None
    rounding_int4_mweights_s: float | None = None
    fresh_mb_s: float | None = None
    others_share: float = 0.0
    engine_start_s: dict[str, float] = {}

    def start_of(self, engine: str) -> float:
        """Seconds until a worker of that engine is there."""
        return self.engine_start_s.get(engine, self.start_s)

    @property
    def rough(self) -> bool:
        """Whether other programs kept the processor too busy for figures that hold when it is not."""
        return self.others_share >= BUSY


class Range(Response):
    """Four of five real runs should lie between `low` and `high`."""

    low: float
    expected: float
    high: float


class PredictRequest(Request):
    """`POST /models/{id}/predict`: what would be asked of the model; every field may be left out."""

    prompt_tokens: Annotated[Count, Meta(description="Tokens of the prompt, or of one text.")] = 128
    max_new_tokens: Annotated[Count, Meta(description="Tokens of the answer, for models that write.")] = 128
    texts: Annotated[Count, Meta(description="Texts in one request, for models that read or translate.")] = 1


class Prediction(Response):
    """What is to be expected of a model on this machine, with nothing else running.

    `load_s`: until a worker has the model, `first_token_s` and `total_s`: of one request to the loaded model,
    `tokens_per_second`: of one answer after its first token. `evidence`: real runs that corrected it. `limits`: one
    sentence for each of loading, first token and further tokens (or texts) that says what bounds it.
    """

    precision: str
    load_s: Range
    memory_mb: Range
    total_s: Range
    first_token_s: Range | None = None
    tokens_per_second: Range | None = None
    texts_per_second: Range | None = None
    evidence: int = 0
    limits: list[str] = []


class Measured(Response):
    """Medians of the latest real runs that had the machine to themselves; null where there was none.

    `memory_mb`: right after loading; where files are mapped it grows with the first answers.
    `prompt_tokens`: the median prompt (or text) that these runs had, which may differ from what the prediction was for.
    """

    loads: int = 0
    load_s: float | None = None
    memory_mb: float | None = None
    answers: int = 0
    prompt_tokens: float | None = None
    first_token_s: float | None = None
    tokens_per_second: float | None = None
    texts_per_second: float | None = None


class Fit(Response):
    """Whether one replica fits. `needed_mb` is the most it takes while it is loaded; `free_mb` what can be used now."""

    verdict: Literal["fits", "after_unloading", "too_large"]
    needed_mb: float
    free_mb: float
    limit_mb: float


class PredictResponse(Response):
    """`prediction` is null, and `reason` says why, while nothing can be predicted honestly."""

    model: str
    version: str
    request: PredictRequest
    fit: Fit
    measured: Measured
    prediction: Prediction | None = None
    reason: str | None = None
