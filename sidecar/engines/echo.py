"""An engine without a model: it repeats the words of the prompt, one a step. For tests, and to measure everything around it.

A model is a folder with a `config.json` that has `"model_type": "echo"` and may have

==================  ===================================================================================================
context_length      default 4096, in words
delay_ms            per step, default 0
repeat              how often the prompt's words are repeated, default 1; 0 is without end
load_ms             loading takes so long, default 0
labels              of classification, default positive, neutral, negative
multi_label         default false
languages           of translation, default de, en, fr
dimensions          of embeddings, default 8
vision              default false; with it, each image of the last message is repeated as the word ``[image]``
fault               a fault while loading: one of those below
==================  ===================================================================================================

A text with the word ``[[FAULT]]`` meets that fault when the word is reached: ``crash`` (exit status 3), ``segfault``,
``hang``, ``out_of_memory``, ``error``, ``print`` (to stdout, harmless).
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import time
import zlib
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct, field

from sidecar import decoding
from sidecar.engines.base import Answer, Encoding, Model, Prompt, TranslationPlan
from sidecar.engines.limits import answer_limit, needs_cut, prompt_budget, room_warnings, stop_strings
from sidecar.engines.padded import to_longest
from sidecar.engines.vectors import embedded
from sidecar.errors import LoadFailed, Unsupported
from sidecar.runtime.protocol import (
    Calibrate,
    Calibrated,
    Classified,
    Classify,
    Embed,
    Embedded,
    Generate,
    Load,
    ModelFacts,
    Translate,
)
from sidecar.types import Message, Sampling

END = -1
CRASH_STATUS = 3
HANG_S = 1e6


class EchoConfig(Struct):
    """The knobs of `config.json`."""

    model_type: str
    context_length: int = 4096
    delay_ms: float = 0.0
    repeat: int = 1
    load_ms: float = 0.0
    labels: list[str] = field(default_factory=lambda: ["positive", "neutral", "negative"])
    multi_label: bool = False
    languages: list[str] = field(default_factory=lambda: ["de", "en", "fr"])
    dimensions: int = 8
    vision: bool = False
    fault: str | None = None


def load(frame: Load) -> Model:
    """Read the knobs. Raises LoadFailed when the folder holds no echo model."""
    config = _read_config(frame)
    time.sleep(config.load_ms / 1000)
    if config.fault:
        meet(f"[[{config.fault}]]")
    generator = EchoGenerator(config)
    return Model(
        name=frame.model,
        facts=_facts(config),
        generator=generator,
        translator=EchoTranslator(frame.model, config, generator),
        classifier=EchoClassifier(config),
        embedder=EchoEmbedder(config),
    )


def measure(frame: Calibrate) -> Calibrated:
    """Raises Unsupported: there is nothing to measure with."""
    raise Unsupported(model="echo", reason="the echo engine computes nothing that could be measured")


def _read_config(frame: Load) -> EchoConfig:
    try:
        config = decoding.from_json((Path(frame.path) / "config.json").read_bytes(), EchoConfig)
    except (OSError, msgspec.MsgspecError) as error:
        raise LoadFailed(model=frame.model, reason=str(error)) from error
    if config.model_type != "echo":
        raise LoadFailed(model=frame.model, reason=f"its config.json is that of a {config.model_type} model")
    return config


def _facts(config: EchoConfig) -> ModelFacts:
    return ModelFacts(
        engine="echo",
        device="cpu",
        precision="none",
        parameters=0,
        memory_bytes=psutil.Process().memory_info().rss,
        context_length=config.context_length,
        capabilities=["generate", "chat", "classify", "zero-shot", "translate", "embed"],
        labels=config.labels,
        multi_label=config.multi_label,
        languages=config.languages,
        dimensions=config.dimensions,
    )


class EchoGenerator:
    """A token of the answer is the position of a word in the prompt."""

    joins = True

    def __init__(self, config: EchoConfig) -> None:
        self._config = config

    def prepare(self, request: Generate) -> Prompt:
        last = request.messages[-1] if request.messages else Message("user", request.prompt or "")
        text = " ".join([*filter(None, [last.text]), *("[image]" for _ in last.images)])
        return self.prompt(words_of(text), request.sampling, truncate=request.truncate)

    def prompt(self, words: list[str], sampling: Sampling, *, truncate: bool) -> Prompt:
        """The words as a prompt. Raises ContextExceeded."""
        context, warnings = self._config.context_length, []
        if truncate and needs_cut(sampling, len(words), context):
            warnings.append("The beginning of the prompt was dropped: it is longer than the model's context.")
            words = words[-prompt_budget(sampling, context) :]
        limit = answer_limit(sampling, len(words), context)
        return Prompt(
            token_ids=list(range(len(words))),
            limit=limit,
            end_ids=frozenset([END]),
            decode=lambda tokens: "".join(words[token] for token in tokens if token != END),
            sampling=sampling,
            seed=sampling.seed or 0,
            stop=stop_strings(sampling),
            warnings=warnings + room_warnings(sampling, limit, len(words)),
        )

    def start(self, answers: list[Answer]) -> list[int]:
        return self._next(answers)

    def step(self, answers: list[Answer]) -> list[int]:
        return self._next(answers)

    def drop(self, answers: list[Answer]) -> None:
        """Nothing is kept."""

    def _next(self, answers: list[Answer]) -> list[int]:
        time.sleep(self._config.delay_ms / 1000)
        tokens = [self._token(answer) for answer in answers]
        for answer, token in zip(answers, tokens, strict=True):
            meet(answer.prompt.decode([token]))
        return tokens

    def _token(self, answer: Answer) -> int:
        words, done = len(answer.prompt.token_ids), len(answer.generated)
        endless = self._config.repeat == 0
        return done % words if words and (endless or done < words * self._config.repeat) else END


class EchoTranslator:
    """Puts the target language in front: `[de] the words`."""

    def __init__(self, model: str, config: EchoConfig, generator: EchoGenerator) -> None:
        self._model = model
        self._config = config
        self._generator = generator

    def prepare(self, request: Translate) -> TranslationPlan:
        self._refuse_options(request)
        target = request.target_lang or self._config.languages[0]
        if target not in self._config.languages:
            known = ", ".join(self._config.languages)
            raise Unsupported(model=self._model, reason=f"it does not know the language {target!r}; it knows {known}")
        texts = [f"[{target}] {text}" for text in request.texts]
        prompts = [self._generator.prompt(words_of(text), Sampling(), truncate=request.truncate) for text in texts]
        return TranslationPlan(prompts, join=list)

    def _refuse_options(self, request: Translate) -> None:
        given = [name for name, value in msgspec.structs.asdict(request.options).items() if value is not None]
        if given:
            raise Unsupported(model=self._model, reason=f"the echo engine knows no {', '.join(given)}")


class EchoReader:
    """Reads texts, and meets what faults are in them."""

    def __init__(self, config: EchoConfig) -> None:
        self._config = config

    def encode(self, request: Classify | Embed) -> Encoding:
        return Encoding(request.texts, [len(words_of(text)) for text in request.texts])

    def forward(self, inputs: list[str]) -> list[str]:
        time.sleep(self._config.delay_ms / 1000)
        for text in inputs:
            meet(text)
        return inputs

    def padding(self, inputs: list[str]) -> list[int]:
        """As an engine that computes rows of one width."""
        return to_longest([len(words_of(text)) for text in inputs])


class EchoClassifier(EchoReader):
    """Probabilities that depend on the text and the label's name only."""

    def outcome(self, request: Classify, encoding: Encoding, rows: list[str]) -> Classified:
        labels = request.labels or self._config.labels
        return Classified(
            labels=labels,
            scores=[self._scores(text, labels) for text in rows],
            multi_label=self._config.multi_label and not request.labels,
            tokens=encoding.tokens,
        )

    def _scores(self, text: str, labels: list[str]) -> list[float]:
        weights = [1 + zlib.crc32(f"{label}\0{text}".encode()) for label in labels]
        if self._config.multi_label:
            return [weight / (1 << 32) for weight in weights]
        return [weight / sum(weights) for weight in weights]


class EchoEmbedder(EchoReader):
    """Vectors that depend on the text only; equal texts have equal vectors."""

    def outcome(self, request: Embed, encoding: Encoding, rows: list[str]) -> Embedded:
        return embedded(request, encoding, [self._vector(text) for text in rows])

    def _vector(self, text: str) -> list[float]:
        source = random.Random(text)  # noqa: S311 - the text's own, repeatable numbers
        return [source.gauss(0, 1) for _ in range(self._config.dimensions)]


def words_of(text: str) -> list[str]:
    """The words with the space before them, so that joined they are the text again."""
    return re.findall(r"\s*\S+", text)


def meet(text: str) -> None:
    """Meet the fault that a word of `text` names, if one does."""
    named = re.search(r"\[\[(\w+)\]\]", text)
    if named:
        _fault(named[1])


def _fault(name: str) -> None:
    match name:
        case "crash":
            os._exit(CRASH_STATUS)
        case "segfault":
            ctypes.string_at(0)
        case "hang":
            time.sleep(HANG_S)
        case "out_of_memory":
            raise MemoryError("the echo engine was asked to run out of memory")
        case "error":
            raise RuntimeError("the echo engine was asked to fail")
        case "print":
            os.write(1, b"a stray print\n")
            print("a stray print", flush=True)  # noqa: T201 - that is the point
        case _:
            raise ValueError(f"there is no fault named {name!r}")
