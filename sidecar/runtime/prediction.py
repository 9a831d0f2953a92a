"""How long a model would take on this machine. Arithmetic on a description, a measured profile and what is asked; pure.

A pass of `rows` tokens through a model costs its matrix products, at the measured rate for so many rows (with one row that
is the speed of memory), plus a price per layer for all the small operations, whatever the sizes. Everything is a sum of
such parts, and the largest part is what the sentences in `limits` name. What real runs taught comes in as factors.
"""

from __future__ import annotations

import math
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace

from sidecar.runtime.correction import UNTRIED, Correction, Quantity
from sidecar.runtime.description import BYTES, Description
from sidecar.runtime.placement import ENGINE_BASE, UNKNOWN_BASE
from sidecar.types import Calibration, ModelType, Prediction, PredictRequest, Range

MB = 1e6
# Small operations of one layer, in units of the profile's `operation_us`; measured with layers of almost no width.
OPERATIONS = {"fused": 45.0, "seq2seq": 45.0, "encoder": 45.0, "library": 80.0, "native": 5.0}
READING = {"seq2seq": "library"}  # how a text is read where that is not how one is written
SPARED = 0.75  # of an encoder's last layer, where only the first token of each text is asked for
# A layer's more of products in torch: for scaling what goes into rounded ones, and for matrices narrower than the measured
# ones, which are read less quickly.
PRODUCT_OPERATIONS = {"float32": 40.0, "int8": 15.0, "int4": 10.0}
# Of each value of a token's state in a layer of torch's: all that is done to it between the products.
VALUE_OPERATIONS = 0.0035
# Products of attention, of a token with each other one in all layers: half of them are of no use where none looks ahead, and
# most of these are left out.
ATTENTION, ATTENTION_BACK = 4.0, 3.0
STEP_OPERATIONS = 60.0  # around the layers: choosing the token, its text, its frame
REQUEST_OPERATIONS = 400.0  # HTTP, queue, worker and tokens of one request
WRITING_OPERATIONS = 700.0  # of one that torch's engine answers in writing: its template, what is done to its scores
TEXT_OPERATIONS = 20.0  # of each further text in it
# Loading, in the same unit, so that it grows and shrinks with the machine. Of a family the library imports what it needs at
# the first model; of Llama's it has that already (engines/transformers/loading.py).
LOAD_OPERATIONS = {
    "fused": 40_000.0,
    "seq2seq": 100_000.0,
    "encoder": 100_000.0,
    "library": 130_000.0,
    "native": 20_000.0,
}
MAPPED_OPERATIONS = 8_000.0  # of weights that an earlier load has rounded and kept
WORD_OPERATIONS = 0.6  # of one entry of the tokenizer's vocabulary
# That a rounded model is tried on, exactly and rounded: of `engines.transformers`, for a usual tokenizer.
TRIAL_TOKENS: dict[ModelType, int] = {
    "text_generation": 160,
    "translation": 160,
    "classification": 500,
    "embedding": 350,
}
PACKING = 2.0  # times what rounding takes: arranging for the kernels, which fused decoders do only once they answer
UNPACKED = 2.5  # times what a product takes in float32: of rounded weights that are not arranged yet, each is made a float first
FRESH = 15.0  # times what reading memory takes: writing to fresh one, where that was not measured
BATCH_TOKENS = 4096


class Surroundings(Struct, frozen=True):
    """What bears on loading: the share of the files that memory holds already, and whether a process with the libraries
    imported waits. `rounded_before`: an earlier load has kept the rounded weights. `batch_tokens`: that one batch of texts
    may hold."""

    cached_share: float = 0.0
    spare_worker: bool = False
    rounded_before: bool = False
    batch_tokens: int = BATCH_TOKENS


class Cost(Struct, frozen=True):
    """Seconds, by what they are spent on."""

    parts: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())

    @property
    def largest(self) -> str:
        return max(self.parts, key=lambda name: self.parts[name])

    def __add__(self, other: Cost) -> Cost:
        names = [*self.parts, *(name for name in other.parts if name not in self.parts)]
        return Cost({name: self.parts.get(name, 0.0) + other.parts.get(name, 0.0) for name in names})

    def times(self, factor: float) -> Cost:
        return Cost({name: seconds * factor for name, seconds in self.parts.items()})


def predict(
    model: Description,
    profile: Calibration,
    asked: PredictRequest,
    around: Surroundings,
    corrections: dict[Quantity, Correction],
) -> Prediction:
    """Everything that is told about a model before it is loaded."""
    load, start = loading(model, profile, around), 0.0 if around.spare_worker else profile.start_of(model.engine)
    first, step = first_token(model, profile, asked, around), further_token(model, profile, asked)
    by = UNTRIED | corrections
    steps = asked.max_new_tokens - 1 if model.writes else 0
    total = _sum(by["first"].of(first.seconds), by["step"].of(step.seconds * steps))
    return Prediction(
        precision=model.precision,
        load_s=_rounded(_sum(by["start"].of(start), by["load"].of(load.seconds))),
        memory_mb=_scaled(by["memory"].of(memory_bytes(model, asked, around)), 1 / MB),
        total_s=_rounded(total),
        first_token_s=_rounded(by["first"].of(first.seconds)) if model.writes else None,
        tokens_per_second=_inverse(by["step"].of(step.seconds)) if model.writes else None,
        texts_per_second=_inverse(_scaled(total, 1 / asked.texts)) if model.task != "text_generation" else None,
        evidence=max((correction.runs for correction in corrections.values()), default=0),
        limits=_limits(model, profile, load + Cost({"start": start}), first, step),
    )


def loading(model: Description, profile: Calibration, around: Surroundings) -> Cost:
    """From the request to load until the worker has the model; the process is there already."""
    mapped, words = _is_mapped(model, around), model.table / (model.width or 1)
    operations = MAPPED_OPERATIONS if mapped else LOAD_OPERATIONS[model.way]
    cost = Cost({"library": _operations(profile, operations + WORD_OPERATIONS * words)})
    if mapped:
        return cost
    if model.rounded and (rate := _rounding_rate(model, profile)):
        times = 1.0 if model.way == "fused" else 1.0 + PACKING
        cost += Cost({"round": times * (model.body + model.head) / rate / 1e6})
        cost += Cost() if around.rounded_before else _trial(model, profile)
    return cost + Cost({"read": _read_seconds(model, profile, around), "copy": _copy_seconds(model, profile)})


def _trial(model: Description, profile: Calibration) -> Cost:
    """The samples go through exactly and rounded."""
    weights, tokens = model.body + model.head, TRIAL_TOKENS[model.task]
    exact = seconds_per_weight(profile, "float32", tokens, 0)
    unpacked = model.way == "fused" and model.precision == "int8"
    rounded = UNPACKED * exact if unpacked else seconds_per_weight(profile, model.kernel, tokens, 0)
    return Cost({"round": weights * (exact + rounded)})


def _rounding_rate(model: Description, profile: Calibration) -> float | None:
    """Million weights a second."""
    return profile.rounding_int4_mweights_s if model.precision == "int4" else profile.rounding_mweights_s


def first_token(model: Description, profile: Calibration, asked: PredictRequest, around: Surroundings) -> Cost:
    """From the request until the first token; for a model that reads, until the whole answer."""
    texts, tokens = asked.texts, asked.prompt_tokens
    operations = REQUEST_OPERATIONS + TEXT_OPERATIONS * (texts - 1)
    if model.task == "text_generation" and model.engine == "transformers":
        operations += WRITING_OPERATIONS
    around_it = Cost({"operations": _operations(profile, operations)})
    if model.encoder_layers and model.writes:
        reader = replace(model, way=READING.get(model.way, model.way))
        read = _pass(reader, profile, _share(model, "encoder"), model.encoder_layers, tokens * texts, tokens)
        return around_it + read + further_token(model, profile, asked)
    batches = math.ceil(tokens * texts / max(around.batch_tokens, tokens)) if not model.writes else 1
    read = _pass(model, profile, _read_weights(model), model.layers * batches, tokens * texts, tokens)
    return around_it + read + _scores(model, profile, texts)


def _read_weights(model: Description) -> float:
    """Those that every token of a text goes through."""
    spared = SPARED / max(1, model.layers) if model.way == "encoder" and model.task == "classification" else 0.0
    return model.body * (1 - spared)


def further_token(model: Description, profile: Calibration, asked: PredictRequest) -> Cost:
    """One step of an answer; nothing for a model that only reads."""
    if not model.writes:
        return Cost({"weights": 0.0})
    kept = asked.prompt_tokens + asked.max_new_tokens / 2
    past = Cost({"past": asked.texts * kept * model.cache_bytes_per_token / profile.memory_gb_s / 1e9})
    around_it = Cost({"operations": _operations(profile, STEP_OPERATIONS)})
    layers = _pass(model, profile, _share(model, "decoder"), model.layers, asked.texts, 0)
    return layers + _scores(model, profile, asked.texts) + past + around_it


def memory_bytes(model: Description, asked: PredictRequest, around: Surroundings) -> float:
    """Of the worker's process with the model loaded and this request in progress. For some seconds of its first load a model
    that is rounded takes more."""
    kept = model.cache_bytes_per_token * (asked.prompt_tokens + asked.max_new_tokens) * asked.texts
    return held_bytes(model, around) + (0 if model.reserved_bytes else kept)


def held_bytes(model: Description, around: Surroundings) -> float:
    """Of the worker's process right after loading."""
    looked_up = model.table * BYTES["float32"] if _is_mapped(model, around) else 0
    return model.held_bytes - looked_up + model.reserved_bytes + ENGINE_BASE.get(model.engine, UNKNOWN_BASE)


def _is_mapped(model: Description, around: Surroundings) -> bool:
    """Whether it comes from a file that an earlier load kept: read when it is first used, its table of words word by word."""
    return model.rounded and model.way == "fused" and around.rounded_before


def seconds_per_weight(profile: Calibration, kernel: str, rows: int, weight_size: float) -> float:
    """What `rows` tokens cost at each weight: at least its way from memory, and what was measured for the kernel. A kernel
    that was not measured has the best rate there is."""
    return max(weight_size / profile.memory_gb_s / 1e9, _measured_seconds(profile, kernel, rows))


def _measured_seconds(profile: Calibration, kernel: str, rows: int) -> float:
    """Between the numbers of rows that were measured linear, beyond them in proportion."""
    points = _points(profile, kernel)
    if not points:
        return 2 * rows / max((rate.gflops for rate in profile.gemm), default=1.0) / 1e9
    for (few, low), (many, high) in pairwise(points):
        if rows <= many:
            return low + (high - low) * max(0, rows - few) / (many - few)
    most, slowest = points[-1]
    return slowest * max(1.0, rows / most)


def _points(profile: Calibration, kernel: str) -> list[tuple[int, float]]:
    """Rows and seconds per weight as measured; more rows never take less."""
    points: list[tuple[int, float]] = []
    for rate in sorted((rate for rate in profile.gemm if rate.precision == kernel), key=lambda rate: rate.rows):
        seconds = 2 * rate.rows / max(rate.gflops, 1e-3) / 1e9
        points.append((rate.rows, max(seconds, points[-1][1] if points else 0.0)))
    return points


def _pass(model: Description, profile: Calibration, weights: float, layers: int, rows: int, length: int) -> Cost:
    """`rows` tokens through the weights, of texts of `length`."""
    per_layer = OPERATIONS[model.way]
    if model.way != "native":
        per_layer += PRODUCT_OPERATIONS.get(model.precision, 0.0) + VALUE_OPERATIONS * rows * model.width
    attention = (ATTENTION_BACK if model.writes else ATTENTION) * rows * length * layers * model.width
    return Cost(
        {
            "weights": weights * seconds_per_weight(profile, model.kernel, rows, model.weight_size),
            "attention": attention / _best_rate(profile),
            "operations": _operations(profile, layers * per_layer),
        }
    )


def _scores(model: Description, profile: Calibration, rows: int) -> Cost:
    """Of every word, from the hidden states of so many rows."""
    each = seconds_per_weight(profile, model.head_kernel, rows, model.head_weight_size)
    return Cost({"weights": model.head * each})


def _share(model: Description, part: str) -> float:
    """Parameters of the layers that read, or of those that write, where a model has both."""
    encoder = model.body * model.encoder_layers / max(1, model.encoder_layers + model.layers)
    return encoder if part == "encoder" else model.body - encoder


def _read_seconds(model: Description, profile: Calibration, around: Surroundings) -> float:
    cached = profile.cached_mb_s or profile.memory_gb_s * 1000
    disk = min(profile.disk_mb_s or cached, cached)
    return model.file_bytes / MB * (around.cached_share / cached + (1 - around.cached_share) / disk)


def _copy_seconds(model: Description, profile: Calibration) -> float:
    """Fused decoders are copied to fresh memory, and the room that an engine takes at the load is such."""
    moved = profile.memory_gb_s * 1e9
    fresh = profile.fresh_mb_s * MB if profile.fresh_mb_s else moved / FRESH
    if model.way == "fused":
        return model.parameters * BYTES["float32"] / fresh
    return model.reserved_bytes / fresh + model.held_bytes / moved


def _best_rate(profile: Calibration) -> float:
    return max((rate.gflops for rate in profile.gemm if rate.precision == "float32"), default=1.0) * 1e9


def _operations(profile: Calibration, count: float) -> float:
    return count * profile.operation_us / 1e6


# ---- ranges ---------------------------------------------------------------------------------------------------------


def _rounded(value: Range) -> Range:
    return Range(*(float(f"{figure:.4g}") for figure in (value.low, value.expected, value.high)))


def _scaled(value: Range, factor: float) -> Range:
    return _rounded(Range(value.low * factor, value.expected * factor, value.high * factor))


def _sum(first: Range, second: Range) -> Range:
    return Range(first.low + second.low, first.expected + second.expected, first.high + second.high)


def _inverse(value: Range) -> Range:
    return _rounded(Range(*(1 / max(figure, 1e-9) for figure in (value.high, value.expected, value.low))))


# ---- sentences ------------------------------------------------------------------------------------------------------


def _limits(model: Description, profile: Calibration, load: Cost, first: Cost, step: Cost) -> list[str]:
    sentences = [_of_loading(model, profile, load), _of_first(model, profile, first)]
    return [*sentences, _of_step(model, profile, step)] if model.writes else sentences


def _of_loading(model: Description, profile: Calibration, cost: Cost) -> str:
    return (
        "Loading is mostly "
        + {
            "start": f"starting a process and importing the engine's libraries ({profile.start_of(model.engine):.1f} s).",
            "read": f"reading {size(model.file_bytes)} of files.",
            "library": "what the library does for every model: configuration, tokenizer, putting layers together.",
            "round": f"rounding the weights to {4 if model.precision == 'int4' else 8} bits and trying whether answers stay the same.",
            "copy": f"taking {size(model.held_bytes + model.reserved_bytes)} of memory, for weights and for what answers keep.",
        }[cost.largest]
    )


def _of_first(model: Description, profile: Calibration, cost: Cost) -> str:
    what = "The first token waits" if model.writes else "A request waits"
    if cost.largest == "operations":
        return f"{what} mostly for small operations, which cost {profile.operation_us:.0f} µs each whatever their size."
    return f"{what} mostly for the matrix products of the text that is read, in {model.precision}."


def _of_step(model: Description, profile: Calibration, cost: Cost) -> str:
    if cost.largest == "operations":
        return f"Each further token is bound by small operations, which cost {profile.operation_us:.0f} µs each."
    if cost.largest == "past":
        return "Each further token is bound by reading the keys and values of the text before it."
    read = size(_share(model, "decoder") * model.weight_size + model.head * model.head_weight_size)
    return f"Each further token is bound by reading {read} of weights from memory ({profile.memory_gb_s:.0f} GB/s)."


def size(count: float) -> str:
    """Bytes in words."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / MB:.0f} MB"
