"""Puts a loaded model together for the scheduler: the parts for its task, and the facts about it."""

from __future__ import annotations

import copy
import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sidecar.engines.base import Model, Pulse
from sidecar.engines.model_folder import weights_folder
from sidecar.engines.templates import has_template
from sidecar.engines.text_inputs import padding_id
from sidecar.engines.transformers.classification import Classifier
from sidecar.engines.transformers.embedding import Embedder
from sidecar.engines.transformers.fused import encoder, rounding, seq2seq
from sidecar.engines.transformers.fused.building import can_fuse, fuse, put_together, taken_apart
from sidecar.engines.transformers.fused.decoder import Decoder
from sidecar.engines.transformers.fused.encoder import Encoder
from sidecar.engines.transformers.fused.generator import FusedGenerator
from sidecar.engines.transformers.fused.kept import Kept, Shelf
from sidecar.engines.transformers.fused.linear import Precision
from sidecar.engines.transformers.fused.settling import settle
from sidecar.engines.transformers.generation import TransformersGenerator
from sidecar.engines.transformers.in_place import round_in_place
from sidecar.engines.transformers.loading import LoadedModel, context_length, load_skeleton
from sidecar.engines.transformers.padded_batch import can_join
from sidecar.engines.transformers.padded_generator import PaddedGenerator
from sidecar.engines.transformers.preparation import make_greedy
from sidecar.engines.transformers.prompts import Prompts
from sidecar.engines.transformers.translation import BeamTranslator, ModelTranslator
from sidecar.runtime.protocol import Load, ModelFacts

log = logging.getLogger(__name__)


def assemble(loaded: LoadedModel) -> Model:
    """The model's parts for the task that it was loaded for. Who asked for rounding and does not get it is told. Raises
    RoundedTooCoarsely."""
    if seq2seq.can_fuse(loaded.model):
        seq2seq.fuse(loaded.model)
    model, asked = _parts(loaded), loaded.frame.quantization
    if not isinstance(model.generator, FusedGenerator):
        round_in_place(loaded, model)
    if asked in ("int8", "int4") and (precision := model.facts.precision) != asked:
        bits, kind = asked.removeprefix("int"), loaded.config.model_type
        model.facts.warnings.append(f"{kind} models are not rounded to {bits} bits here; it runs in {precision}.")
    return model


def _parts(loaded: LoadedModel) -> Model:
    task = loaded.frame.task
    if task == "classification":
        return _classifier(loaded)
    if task == "embedding":
        return _embedder(loaded)
    return _translator(loaded) if task == "translation" else _generator(loaded)


def _generator(loaded: LoadedModel) -> Model:
    defaults = _take_defaults(loaded)
    precision = _fused_precision(loaded)
    if precision is None and loaded.model.dtype != loaded.computed:
        loaded.model.to(loaded.computed)
    facts = _facts(loaded, _writing(loaded))
    prompts = Prompts(loaded, defaults)
    if precision is None:
        return Model(loaded.name, facts, generator=_stepper(loaded, prompts))
    facts.precision = precision
    return Model(loaded.name, facts, generator=_fused(loaded, prompts, facts, precision))


def _fused_precision(loaded: LoadedModel) -> Precision | None:
    """What a decoder of our own computes in. None where the library's layers stay: those of other families, and of a half
    type that the processor multiplies where nothing is rounded."""
    if not can_fuse(loaded.model):
        return None
    precision = rounding.choose(loaded.name, loaded.frame.quantization, _parameters(loaded.model))
    return None if precision == "float32" and loaded.computed is not torch.float32 else precision


def _fused(loaded: LoadedModel, prompts: Prompts, facts: ModelFacts, precision: Precision) -> FusedGenerator:
    """The library's layers become a decoder of our own. Raises RoundedTooCoarsely."""
    frame = loaded.frame
    decoder, agreement = fuse(loaded.model, precision, rounding.sample(loaded.tokenizer, loaded.config.vocab_size))
    generator = _answering(loaded, prompts, decoder)
    if agreement is None:
        return generator
    shelf = Shelf(frame.derived, loaded.folder)
    if not agreement.enough and frame.quantization != "int8":
        shelf.put(agreement, {})
    facts.warnings += rounding.judge(frame.quantization, agreement)
    tensors = taken_apart(decoder)
    facts.warnings += shelf.warnings(agreement.precision, tensors)
    generator.settling = settle(decoder, generator, partial(shelf.put, agreement, tensors))
    return generator


def assemble_kept(frame: Load, device: torch.device) -> Model | None:
    """A model from weights that an earlier load rounded and kept, None where there are none. Raises RoundedTooCoarsely
    where that load found them to be too coarse."""
    folder = weights_folder(Path(frame.path))
    precision = rounding.KEPT.get(frame.quantization)
    if precision is None or frame.task != "text_generation" or device.type != "cpu":
        return None
    kept = Shelf(frame.derived, folder).find(precision)
    if kept is None or (kept.agreement.enough and not kept.tensors):
        return None
    return _from_kept(load_skeleton(frame, device), kept, precision)


def _from_kept(loaded: LoadedModel, kept: Kept, precision: Precision) -> Model | None:
    """None where the tensors are not those of this model, or where it would not be rounded now."""
    frame = loaded.frame
    facts = _facts(loaded, _writing(loaded))
    if rounding.choose(frame.model, frame.quantization, facts.parameters) != precision:
        return None
    facts.warnings += rounding.judge(frame.quantization, kept.agreement)
    prompts = Prompts(loaded, _take_defaults(loaded))
    try:
        decoder = put_together(loaded.model, kept.tensors)
    except (KeyError, ValueError) as error:
        log.warning("what was kept of %s does not fit: %s", frame.model, error)
        return None
    facts.precision, facts.memory_bytes = precision, kept.bytes
    generator = _answering(loaded, prompts, decoder)
    generator.settling = settle(decoder, generator, lambda: None)
    return Model(loaded.name, facts, generator=generator)


def _answering(loaded: LoadedModel, prompts: Prompts, decoder: Decoder) -> FusedGenerator:
    return FusedGenerator(decoder, loaded.model, padding_id(loaded.tokenizer), prompts.prepare, _prefix_budget(loaded))


def _prefix_budget(loaded: LoadedModel) -> int:
    """Bytes."""
    return loaded.frame.prefix_cache_mb << 20


def _translator(loaded: LoadedModel) -> Model:
    defaults = _take_defaults(loaded)
    translator = ModelTranslator(loaded, defaults)
    facts = _facts(loaded, ["translate", "generate"])
    facts.languages = translator.languages
    generator = _stepper(loaded, Prompts(loaded, defaults))
    pulse = Pulse()
    beams = BeamTranslator(loaded, defaults, translator, pulse)
    return Model(loaded.name, facts, generator=generator, translator=translator, whole_translator=beams, pulse=pulse)


def _classifier(loaded: LoadedModel) -> Model:
    classifier = Classifier(loaded, _encoder(loaded))
    facts = _facts(loaded, ["classify"] if classifier.entailment is None else ["classify", "zero-shot"])
    facts.labels = classifier.labels
    facts.multi_label = classifier.multi_label
    return Model(loaded.name, facts, classifier=classifier)


def _embedder(loaded: LoadedModel) -> Model:
    embedder = Embedder(loaded, _encoder(loaded))
    facts = _facts(loaded, ["embed"])
    facts.dimensions = embedder.dimensions
    facts.context_length = embedder.limit
    if not embedder.pooling.configured:
        facts.warnings.append("The model's files do not say how to pool; the mean of all tokens is used.")
    return Model(loaded.name, facts, embedder=embedder)


def _encoder(loaded: LoadedModel) -> Encoder | None:
    """The library's layers become an encoder of our own, where they are of the family."""
    return encoder.fuse(loaded.model) if encoder.can_fuse(loaded.model) else None


def _take_defaults(loaded: LoadedModel) -> Any:
    """The generation config as it came; the model itself keeps only what greedy decoding needs."""
    defaults = copy.deepcopy(loaded.model.generation_config)
    make_greedy(loaded.model.generation_config)
    return defaults


def _stepper(loaded: LoadedModel, prompts: Prompts) -> PaddedGenerator | TransformersGenerator:
    """The library's layers, stepped."""
    if can_join(loaded.model):
        return PaddedGenerator(loaded.model, padding_id(loaded.tokenizer), prompts.prepare, _prefix_budget(loaded))
    return TransformersGenerator(loaded.model, padding_id(loaded.tokenizer), prompts.prepare)


def _writing(loaded: LoadedModel) -> list[str]:
    return ["generate", "chat"] if has_template(loaded.tokenizer) else ["generate"]


def _facts(loaded: LoadedModel, capabilities: list[str]) -> ModelFacts:
    return ModelFacts(
        engine="transformers",
        device=loaded.places,
        precision=str(loaded.model.dtype).removeprefix("torch."),
        parameters=_parameters(loaded.model),
        memory_bytes=0,  # `load` adds what the process takes; what it will take later is in it before
        context_length=context_length(loaded),
        capabilities=capabilities,
        warnings=list(loaded.warnings),
    )


def _parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
