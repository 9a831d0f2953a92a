"""Asks two loaded models the same sample texts and measures how far their answers are apart."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidecar.engines import verification
from sidecar.engines.base import Generator, Model, Prompt, Reader
from sidecar.errors import InglenookError, Unsupported
from sidecar.paths import resources_dir
from sidecar.runtime.protocol import Classified, Classify, Embed, Embedded, Generate, Translate, Translated
from sidecar.types import ModelType, Sampling, TranslationOptions

BATCH = 8
ANSWER_TOKENS = 64
GENERATED_TOKENS = 32
MOST_DIRECTIONS = 3
SOURCE = "en"  # the samples that a model is asked whose source language is not known or has none
# Tried in this order with models that want to be told the languages.
DIRECTIONS = [
    (None, None),
    ("en", "de"),
    ("en", "fr"),
    ("de", "en"),
    ("es", "en"),
    ("fr", "en"),
    (None, "de"),
    (None, "fr"),
]


@dataclass(frozen=True)
class Answers:
    """One model's answers to the sample texts of its task, in the form that its task compares."""

    count: int
    value: Any
    multi_label: bool = False


def samples(task: ModelType) -> dict[str, list[str]]:
    """The sample texts of a task; those of translation by language."""
    content = tomllib.loads((resources_dir() / "verification" / "samples.toml").read_text("utf-8"))
    return dict(content[task])


def answers(model: Model, task: ModelType) -> Answers:
    """Raises Unsupported when the model has no part that does the task."""
    if task == "classification" and model.classifier:
        return _classified(model.classifier)
    if task == "embedding" and model.embedder:
        return _embedded(model.embedder)
    if task == "translation" and model.whole_translator:
        return _translated(model.whole_translator, model.facts.languages)
    if task == "text_generation" and (model.generator or model.whole_generator):
        return _generated(model)
    raise Unsupported(model=model.name, reason=f"it cannot be compared at {task.replace('_', ' ')}")


def measures(task: ModelType, reference: Answers, own: Answers) -> dict[str, float]:
    """The measures that the task's thresholds name."""
    if task == "classification":
        return verification.compare_scores(reference.value, own.value, multi_label=reference.multi_label)
    if task == "embedding":
        return verification.compare_vectors(reference.value, own.value)
    return verification.compare_texts(reference.value, own.value)


def _classified(reader: Reader[Classify, Classified]) -> Answers:
    texts = samples("classification")["texts"]
    outcome = _asked(reader, Classify(0, texts, truncate=True))
    return Answers(len(texts), outcome.scores, outcome.multi_label)


def _embedded(reader: Reader[Embed, Embedded]) -> Answers:
    texts = samples("embedding")["texts"]
    outcome = _asked(reader, Embed(0, texts, truncate=True))
    return Answers(len(texts), np.frombuffer(outcome.vectors, np.float32).reshape(len(texts), -1))


def _translated(reader: Reader[Translate, Translated], languages: list[str]) -> Answers:
    texts: list[str] = []
    for request in _translations(reader, languages):
        texts += _asked(reader, request).texts
    return Answers(len(texts), texts)


@dataclass
class Running:
    """An answer that grows, as the engine's generator sees it."""

    key: int
    prompt: Prompt
    generated: list[int]
    cached_tokens: int = 0
    padding: int = 0


def _generated(model: Model) -> Answers:
    texts = samples("text_generation")["texts"]
    sampling = Sampling(temperature=0.0, max_new_tokens=GENERATED_TOKENS, repetition_penalty=1.0, top_k=0, top_p=1.0)
    requests = [Generate(number, text, None, sampling) for number, text in enumerate(texts, start=1)]
    if model.generator:
        return Answers(len(texts), [_stepped(model.generator, request) for request in requests])
    reader = model.whole_generator
    if reader is None:
        raise Unsupported(model=model.name, reason="it does not generate")
    return Answers(len(texts), [reader.forward(reader.encode(request).inputs)[0].text for request in requests])


def _stepped(generator: Generator, request: Generate) -> str:
    """The answer of a generator that advances token by token."""
    prompt = generator.prepare(request)
    running = Running(request.id, prompt, [])
    while not running.generated:  # a long prompt is read in pieces
        running.generated += [token for token in generator.start([running]) if token is not None]
    while len(running.generated) < prompt.limit and running.generated[-1] not in prompt.end_ids:
        running.generated += generator.step([running])
    generator.drop([running])
    return prompt.decode([token for token in running.generated if token not in prompt.end_ids])


def _translations(reader: Reader[Translate, Translated], languages: list[str]) -> list[Translate]:
    """A request for each of the first directions that the model knows. Raises the model's refusal when it knows none."""
    known, refusal = [], None
    for source, target in DIRECTIONS:
        texts = _texts_in(source, languages)
        request = Translate(0, texts, source, target, options=TranslationOptions(max_new_tokens=ANSWER_TOKENS))
        try:
            reader.encode(request)
        except InglenookError as error:
            refusal = refusal or error
            continue
        if source is None and target is None:
            return [request]
        known.append(request)
    if not known and refusal is not None:
        raise refusal
    return known[:MOST_DIRECTIONS]


def _texts_in(source: str | None, languages: list[str]) -> list[str]:
    """Sample texts in the language, else in the one that the model names first, as those of one direction do."""
    by_language = samples("translation")
    code = source or (languages[0] if languages else SOURCE)
    return by_language.get(code, by_language[SOURCE])


def _asked(reader: Reader[Any, Any], request: Any) -> Any:
    """The outcome of one request, its texts read in small batches of similar length."""
    encoding = reader.encode(request)
    order = sorted(range(len(encoding.inputs)), key=lambda index: encoding.lengths[index])
    rows: dict[int, Any] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        rows |= zip(batch, reader.forward([encoding.inputs[index] for index in batch]), strict=True)
    return reader.outcome(request, encoding, [rows[index] for index in range(len(order))])
