"""Puts a loaded model together for the scheduler: the parts for its task, and the facts about it."""

from __future__ import annotations

import copy
from typing import Any

from sidecar.engines.base import Model
from sidecar.engines.templates import has_template
from sidecar.engines.text_inputs import padding_id
from sidecar.engines.transformers.classification import Classifier
from sidecar.engines.transformers.embedding import Embedder
from sidecar.engines.transformers.fused import rounding
from sidecar.engines.transformers.fused.building import can_fuse, fuse
from sidecar.engines.transformers.fused.generator import FusedGenerator
from sidecar.engines.transformers.generation import TransformersGenerator
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.preparation import make_greedy
from sidecar.engines.transformers.prompts import Prompts
from sidecar.engines.transformers.translation import BeamTranslator, ModelTranslator
from sidecar.runtime.protocol import ModelFacts


def assemble(loaded: LoadedModel) -> Model:
    """The model's parts for the task that it was loaded for."""
    task = loaded.frame.task
    if task == "classification":
        return _classifier(loaded)
    if task == "embedding":
        return _embedder(loaded)
    return _translator(loaded) if task == "translation" else _generator(loaded)


def _generator(loaded: LoadedModel) -> Model:
    defaults = _take_defaults(loaded)
    facts = _facts(loaded, ["generate", "chat"] if has_template(loaded.tokenizer) else ["generate"])
    prompts = Prompts(loaded, defaults)
    if can_fuse(loaded.model):
        return Model(loaded.name, facts, generator=_fused(loaded, prompts, facts))
    if loaded.frame.quantization == "int8":
        facts.warnings.append(f"{loaded.config.model_type} models are not rounded to 8 bits here; it runs as it is.")
    return Model(loaded.name, facts, generator=_stepper(loaded, prompts))


def _fused(loaded: LoadedModel, prompts: Prompts, facts: ModelFacts) -> FusedGenerator:
    """The library's layers become a decoder of our own. Raises RoundedTooCoarsely unless int8 was asked for."""
    frame = loaded.frame
    precision = rounding.choose(frame.model, frame.quantization, facts.parameters)
    decoder, agreement = fuse(loaded.model, precision, rounding.sample(loaded.tokenizer, loaded.config.vocab_size))
    facts.precision = precision
    if agreement and not agreement.enough:
        if frame.quantization == "auto":
            raise rounding.RoundedTooCoarsely(agreement)
        facts.warnings.append(f"Answers may differ from the exact model's: {rounding.describe(agreement)}.")
    budget = frame.prefix_cache_mb << 20
    return FusedGenerator(decoder, loaded.model, padding_id(loaded.tokenizer), prompts.prepare, budget)


def _translator(loaded: LoadedModel) -> Model:
    defaults = _take_defaults(loaded)
    translator = ModelTranslator(loaded, defaults)
    facts = _facts(loaded, ["translate", "generate"])
    facts.languages = translator.languages
    generator = _stepper(loaded, Prompts(loaded, defaults))
    beams = BeamTranslator(loaded, defaults, translator)
    return Model(loaded.name, facts, generator=generator, translator=translator, whole_translator=beams)


def _classifier(loaded: LoadedModel) -> Model:
    classifier = Classifier(loaded)
    facts = _facts(loaded, ["classify"] if classifier.entailment is None else ["classify", "zero-shot"])
    facts.labels = classifier.labels
    facts.multi_label = classifier.multi_label
    return Model(loaded.name, facts, classifier=classifier)


def _embedder(loaded: LoadedModel) -> Model:
    embedder = Embedder(loaded)
    facts = _facts(loaded, ["embed"])
    facts.dimensions = embedder.dimensions
    facts.context_length = embedder.limit
    if not embedder.pooling.configured:
        facts.warnings.append("The model's files do not say how to pool; the mean of all tokens is used.")
    return Model(loaded.name, facts, embedder=embedder)


def _take_defaults(loaded: LoadedModel) -> Any:
    """The generation config as it came; the model itself keeps only what greedy decoding needs."""
    defaults = copy.deepcopy(loaded.model.generation_config)
    make_greedy(loaded.model.generation_config)
    return defaults


def _stepper(loaded: LoadedModel, prompts: Prompts) -> TransformersGenerator:
    return TransformersGenerator(loaded.model, padding_id(loaded.tokenizer), prompts.prepare)


def _facts(loaded: LoadedModel, capabilities: list[str]) -> ModelFacts:
    return ModelFacts(
        engine="transformers",
        device=str(loaded.device),
        precision=str(loaded.model.dtype).removeprefix("torch."),
        parameters=sum(parameter.numel() for parameter in loaded.model.parameters()),
        memory_bytes=0,  # known only once all is in place; `load` fills it in
        context_length=context_length(loaded),
        capabilities=capabilities,
        warnings=list(loaded.warnings),
    )
