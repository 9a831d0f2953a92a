"""Which engine runs a model and why, what it computes in, with how many threads: tables, read from the top. Pure.

The first row whose condition holds is the choice. A model's option `engine` may name another; what it names must be
possible, or loading says why not. Engines look up here what their own libraries then do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from sidecar.errors import LoadFailed
from sidecar.types import ModelType, Preparation

# Engine: the package that it needs.
LIBRARIES = {"transformers": "transformers", "ctranslate2": "ctranslate2", "llamacpp": "xllamacpp"}
# Architectures that CTranslate2 converts, by what stands in front of their head's name. Left out: Gemma3, whose
# answers differ once a text is longer than its sliding window, and Phi and MPT, of which only older configurations convert.
CONVERTED: dict[ModelType, tuple[str, ...]] = {
    "classification": ("DistilBert", "Bert", "Roberta", "XLMRoberta", "Camembert"),
    "embedding": ("DistilBert", "Bert", "Roberta", "XLMRoberta", "Camembert"),
    "text_generation": (
        "Llama",
        "Mistral",
        "Qwen2",
        "Qwen3",
        "Gemma",
        "Gemma2",
        "Phi3",
        "GPT2",
        "GPTNeoX",
        "GPTBigCode",
        "GPTJ",
        "CodeGen",
        "Falcon",
        "OPT",
        "Bloom",
        "T5",
        "MT5",
        "UMT5",
        "Bart",
        "MBart",
        "Pegasus",
    ),
    "translation": ("Marian", "M2M100", "MBart", "T5", "MT5", "Bart", "Pegasus"),
}
GPUS = ("gpu", "cuda", "mps", "xpu")


class Situation(Struct, frozen=True):
    """What the choice depends on. `format` is the files' own engine; `installed` the engines whose library is there."""

    format: str
    task: ModelType
    architecture: str
    preparation: Preparation | None
    device: str
    has_gpu: bool
    installed: frozenset[str]

    @property
    def convertible(self) -> bool:
        return any(
            re.fullmatch(rf"{family}(For[A-Z]\w*|LMHead|MT|)(Model)?", self.architecture)
            for family in CONVERTED.get(self.task, ())
        )

    @property
    def preparable(self) -> bool:
        return self.convertible and self.format == "transformers" and "ctranslate2" in self.installed

    @property
    def prepared(self) -> bool:
        return self.preparation is not None and self.preparation.passed

    @property
    def on_gpu(self) -> bool:
        return self.device.partition(":")[0] in GPUS or (self.device == "auto" and self.has_gpu)


class Choice(Struct, frozen=True):
    """`precision` is what is expected; the worker reports what it really computes in. None: it depends on the weights."""

    engine: str
    precision: str | None
    reason: str


Row = tuple[Callable[[Situation], bool], str, str]
ENGINES: list[Row] = [
    (lambda s: s.format != "transformers", "", "its files are for the {format} engine"),
    (lambda s: not s.convertible, "transformers", "it is the engine for {architecture} models"),
    (lambda s: "ctranslate2" not in s.installed, "transformers", "the ctranslate2 engine is not installed"),
    (lambda s: s.task == "text_generation", "transformers", "its answers come token by token; ctranslate2 gives whole ones, for batches"),
    (lambda s: s.preparation is None, "transformers", "it is not prepared; prepared it takes less memory and is mostly quicker on a processor"),
    (lambda s: not s.prepared, "transformers", "its preparation did not agree with the original ({complaint})"),
    (lambda s: s.on_gpu, "transformers", "it runs on a GPU, where the original engine is quick"),
    (lambda s: True, "ctranslate2", "it is prepared, and its answers were compared with the original's ({measured})"),
]  # fmt: skip

Half = Literal["float16", "bfloat16"]
Precision = Literal["float32"] | Half


class Device(Struct, frozen=True):
    """`has_bf16`: it multiplies bfloat16 in hardware, or as quickly as it can anything."""

    kind: str  # cpu, cuda, xpu, mps
    has_bf16: bool


# What torch computes in, by the device and by what the weights are stored in. Never a half type without hardware for it.
PRECISIONS: list[tuple[Callable[[Device, Precision], bool], Precision]] = [
    (lambda device, stored: stored == "float32", "float32"),
    (lambda device, stored: stored == "bfloat16" and device.has_bf16, "bfloat16"),
    (lambda device, stored: device.kind in ("cuda", "xpu"), "float16"),
    (lambda device, stored: device.kind == "mps" and stored == "float16", "float16"),
    (lambda device, stored: True, "float32"),
]

# What CTranslate2 is asked for, by what was converted and where: the first that it supports there.
CONVERTED_PRECISIONS = {
    ("int8", "cpu"): ("int8_float32", "int8", "float32"),
    ("int8", "cuda"): ("int8_float16", "int8_float32", "float16", "float32"),
    ("float32", "cpu"): ("float32",),
    ("float32", "cuda"): ("float16", "float32"),
}


def precision(device: Device, stored: Precision) -> Precision:
    """What torch computes in there with weights that are stored so."""
    return next(chosen for holds, chosen in PRECISIONS if holds(device, stored))


def threads(asked: int, physical_cores: int) -> int:
    """Of every engine: what the setting says, or one for each core. A second thread on a core does not compute faster."""
    return asked or physical_cores


def choose(situation: Situation, wanted: str = "auto") -> Choice:
    """The engine for a model; `wanted` is the model's own option."""
    if wanted != "auto":
        return Choice(wanted, _precision(wanted, situation), "the model's option asks for it")
    _, engine, reason = next(row for row in ENGINES if row[0](situation))
    engine = engine or situation.format
    words = {
        "format": situation.format,
        "architecture": situation.architecture,
        "complaint": situation.preparation.reason if situation.preparation else "",
        "measured": _measured(situation.preparation),
    }
    return Choice(engine, _precision(engine, situation), reason.format(**words))


def check(model: str, choice: Choice, situation: Situation) -> None:
    """Refuse an engine that cannot run the model or is not there. Raises LoadFailed that says what to do."""
    if choice.engine == "echo":
        return
    if choice.engine == situation.format:
        _check_library(model, choice.engine, situation)
        return
    if choice.engine != "ctranslate2" or situation.format != "transformers":
        raise LoadFailed(model=model, reason=f"the {choice.engine} engine does not read its files; set engine to auto.")
    if "ctranslate2" not in situation.installed:
        raise LoadFailed(model=model, reason="the ctranslate2 engine is not installed; set engine to auto.")
    if not situation.prepared:
        why = f"was refused ({situation.preparation.reason})" if situation.preparation else "is missing"
        raise LoadFailed(
            model=model, reason=f"its preparation for ctranslate2 {why}. Prepare it, or set engine to auto."
        )


def _check_library(model: str, engine: str, situation: Situation) -> None:
    package = LIBRARIES[engine]
    if engine not in situation.installed:
        raise LoadFailed(
            model=model,
            reason=f"the package {package}, which the {engine} engine needs for its files, is not installed beside the "
            f"service. Install it there (pip install {package}) and start the service again.",
        )


def _precision(engine: str, situation: Situation) -> str | None:
    if engine != "ctranslate2" or situation.preparation is None:
        return None
    return "int8_float32" if situation.preparation.precision == "int8" else situation.preparation.precision


def _measured(preparation: Preparation | None) -> str:
    if preparation is None:
        return ""
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in preparation.measures.items())
