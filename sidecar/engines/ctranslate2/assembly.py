"""Puts a prepared model together for the scheduler: the part for its task, and the facts about it."""

from __future__ import annotations

from pathlib import Path

from sidecar.engines.base import Model, Pulse
from sidecar.engines.ctranslate2 import manifest as manifests
from sidecar.engines.ctranslate2.classification import Classifier
from sidecar.engines.ctranslate2.decoder import Decoder
from sidecar.engines.ctranslate2.device import Placement, place
from sidecar.engines.ctranslate2.embedding import Embedder
from sidecar.engines.ctranslate2.encoder import Encoder
from sidecar.engines.ctranslate2.generation import WholeGenerator
from sidecar.engines.ctranslate2.manifest import Manifest
from sidecar.engines.ctranslate2.translation import Translator
from sidecar.engines.model_folder import read_config, read_tokenizer, weights_folder
from sidecar.engines.templates import has_template
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Load, ModelFacts

# Measured: batches of more tokens gain nothing, and small ones stay in the processor's caches.
BATCH_TOKENS = 1024


def assemble(frame: Load) -> Model:
    """The model's parts for its task. Raises LoadFailed when it was not prepared."""
    if frame.prepared is None:
        raise LoadFailed(model=frame.model, reason="it was not prepared for CTranslate2.")
    prepared = Path(frame.prepared)
    manifest = manifests.read(frame.model, prepared)
    placement = place(frame.model, frame.device, manifest.quantization, frame.threads)
    made = {"classification": _classifier, "embedding": _embedder, "translation": _translator}.get(
        frame.task, _generator
    )
    return made(frame, prepared, manifest, placement)


def _classifier(frame: Load, prepared: Path, manifest: Manifest, placement: Placement) -> Model:
    folder = weights_folder(Path(frame.path))
    config = read_config(frame.model, folder)
    tokenizer = read_tokenizer(folder, config)
    encoder = Encoder(prepared, placement, token_types=manifest.token_types)
    limit = manifest.context_length
    classifier = Classifier(frame.model, config, tokenizer, limit, encoder, prepared, manifest.head)
    facts = _facts(manifest, placement, ["classify"] if classifier.entailment is None else ["classify", "zero-shot"])
    facts.labels = classifier.labels
    facts.multi_label = classifier.multi_label
    return Model(frame.model, facts, classifier=classifier, batch_tokens=BATCH_TOKENS)


def _embedder(frame: Load, prepared: Path, manifest: Manifest, placement: Placement) -> Model:
    folder = Path(frame.path)
    config = read_config(frame.model, weights_folder(folder))
    tokenizer = read_tokenizer(weights_folder(folder), config)
    encoder = Encoder(prepared, placement, token_types=manifest.token_types)
    embedder = Embedder(frame.model, folder, tokenizer, manifest.context_length, encoder)
    facts = _facts(manifest, placement, ["embed"])
    facts.dimensions = embedder.dimensions
    facts.context_length = embedder.limit
    if not embedder.pooling.plan.configured:
        facts.warnings.append("The model's files do not say how to pool; the mean of all tokens is used.")
    return Model(frame.model, facts, embedder=embedder, batch_tokens=BATCH_TOKENS)


def _translator(frame: Load, prepared: Path, manifest: Manifest, placement: Placement) -> Model:
    folder = weights_folder(Path(frame.path))
    config = read_config(frame.model, folder)
    tokenizer = read_tokenizer(folder, config)
    pulse = Pulse()
    translator = Translator(frame.model, config, tokenizer, manifest, prepared, placement, pulse)
    facts = _facts(manifest, placement, ["translate", "generate"])
    facts.languages = translator.languages
    return Model(
        frame.model,
        facts,
        whole_translator=translator,
        whole_generator=translator.whole_generator(),
        batch_tokens=BATCH_TOKENS,
        pulse=pulse,
    )


def _generator(frame: Load, prepared: Path, manifest: Manifest, placement: Placement) -> Model:
    if manifest.kind == "translator":
        return _translator(frame, prepared, manifest, placement)
    folder = weights_folder(Path(frame.path))
    tokenizer = read_tokenizer(folder, read_config(frame.model, folder))
    pulse = Pulse()
    decoder = Decoder(prepared, placement, manifest, pulse)
    generator = WholeGenerator(frame.model, tokenizer, manifest, decoder.names, decoder.answers)
    facts = _facts(manifest, placement, ["generate", "chat"] if has_template(tokenizer) else ["generate"])
    return Model(frame.model, facts, whole_generator=generator, batch_tokens=BATCH_TOKENS, pulse=pulse)


def _facts(manifest: Manifest, placement: Placement, capabilities: list[str]) -> ModelFacts:
    return ModelFacts(
        engine="ctranslate2",
        device=placement.name,
        precision=placement.compute_type,
        parameters=manifest.parameters,
        memory_bytes=0,  # known only once all is in place; `load` fills it in
        context_length=manifest.context_length,
        capabilities=capabilities,
    )
