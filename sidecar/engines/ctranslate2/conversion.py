"""Converts a model that torch has loaded into CTranslate2's format. The one module here that needs torch and transformers.

The library's own loaders map the weights; they are given the model as this service loaded it, from safetensors only and
without code from its folder, and a few attributes that newer releases of transformers have dropped.
"""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import save_file

from sidecar.engines.ctranslate2 import manifest as manifests
from sidecar.engines.ctranslate2.manifest import HEAD, Manifest
from sidecar.engines.ctranslate2.packing import pack_last_layer
from sidecar.engines.transformers.heads import HEADS, Head, head_layers
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.prompts import decoder_room, end_ids
from sidecar.errors import Unsupported

# Whether layers normalise before they compute, and whether embeddings are normalised; newer configurations do not say.
NORMALIZED = {"bart": (False, True), "mbart": (True, True), "pegasus": (True, False)}
DEMANDED = ("bos_token", "eos_token", "unk_token")


def convert(loaded: LoadedModel, folder: Path, quantization: str) -> Manifest:
    """Write the converted model into `folder`, which must not exist yet. Raises Unsupported, OSError."""
    with torch.no_grad():
        spec, manifest, head = _converted(loaded, quantization)
        spec.validate()
        spec.optimize(quantization=quantization)
        if manifest.kind == "translator":
            pack_last_layer(spec)
        folder.mkdir(parents=True)
        spec.save(str(folder))
        if head:
            _save_head(folder / HEAD, head)
    manifests.write(folder, manifest)
    return manifest


def _converted(loaded: LoadedModel, quantization: str) -> tuple[Any, Manifest, Head]:
    loader = loader_of(loaded)
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    vocabulary = Vocabulary(loaded.tokenizer, loaded.config.vocab_size)
    if loaded.config.is_encoder_decoder:
        return loader(_seq2seq(loaded), vocabulary), _of_translator(loaded, quantization, parameters), []
    if loaded.frame.task == "text_generation":
        return loader(loaded.model, vocabulary), _of_generator(loaded, quantization, parameters), []
    head = _head(loaded) if loaded.frame.task == "classification" else []
    spec = loader(_trunk(loaded, loader), vocabulary)
    manifest = Manifest(
        kind="encoder",
        quantization=quantization,
        parameters=parameters,
        context_length=context_length(loaded),
        head=[activation for _, activation in head],
        token_types=hasattr(loaded.model.base_model.embeddings, "token_type_embeddings"),
    )
    return spec, manifest, head


class Vocabulary:
    """A tokenizer whose vocabulary names every row of the model's embeddings: the tokenizer's own may lack the last ones.

    Special tokens that it lacks, which the format demands, are named by the first row: they never come up.
    """

    num_madeup_words = 0  # the loader of M2M100 would add rows that are named already

    def __init__(self, tokenizer: Any, size: int) -> None:
        self._tokenizer = tokenizer
        self._size = size

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._tokenizer, name)
        return next(iter(self.get_vocab())) if value is None and name in DEMANDED else value

    def get_vocab(self) -> dict[str, int]:
        known = len(self._tokenizer)
        names: dict[str, int] = {}
        for index in range(self._size):
            name = self._tokenizer.convert_ids_to_tokens(index) if index < known else None
            names[f"<unused{index}>" if name is None or name in names else name] = index
        return names


def check_convertible(loaded: LoadedModel) -> None:
    """Raises Unsupported when the library, or the head, is not known."""
    loader_of(loaded)
    if loaded.frame.task == "classification":
        _head(loaded)


def loader_of(loaded: LoadedModel) -> Any:
    """The library's loader for the model's family. Raises Unsupported."""
    from ctranslate2.converters import transformers as converters

    loader = converters._MODEL_LOADERS.get(type(loaded.config).__name__)
    if loader is None:
        raise Unsupported(model=loaded.name, reason=f"CTranslate2 does not convert {loaded.config.model_type} models")
    if getattr(loaded.config, "new_decoder_architecture", False):  # its loader mixes up their norms and heads
        raise Unsupported(model=loaded.name, reason="CTranslate2 converts only Falcon's first architecture")
    return loader


def _trunk(loaded: LoadedModel, loader: Any) -> Any:
    """The encoder without its head, as the loader expects to find it. The model itself is left as it is."""
    base, config = loaded.model.base_model, copy.copy(loaded.config)
    config.position_embedding_type = "absolute"
    parts = {"config": config, "pooler": None, **base._modules}
    if loader.architecture_name == "BertModel" and parts["pooler"] is None:
        parts["pooler"] = SimpleNamespace(dense=torch.nn.Linear(config.hidden_size, 1))  # converted, never used
    trunk = SimpleNamespace(**parts)
    nested = loader.architecture_name.endswith("ForSequenceClassification")
    return SimpleNamespace(roberta=trunk, config=config) if nested else trunk


def _seq2seq(loaded: LoadedModel) -> Any:
    """Loaders tell generations of a family apart by the configuration: MBart's by the tokenizer's name, T5's by `tie`."""
    loaded.config.tokenizer_class = type(loaded.tokenizer).__name__.removesuffix("Fast")
    before, embedding = NORMALIZED.get(loaded.config.model_type, (False, True))
    loaded.config.tie_word_embeddings = getattr(
        loaded.config, "scale_decoder_outputs", loaded.config.tie_word_embeddings
    )
    loaded.config.normalize_before, loaded.config.normalize_embedding = before, embedding
    return loaded.model


def _head(loaded: LoadedModel) -> Head:
    """The layers on the first token's vector, with their activations. Raises Unsupported."""
    kind = loaded.config.model_type
    if kind not in HEADS:
        raise Unsupported(model=loaded.name, reason=f"the classification head of {kind} models is not known here")
    return head_layers(loaded.model)


def _save_head(file: Path, head: Head) -> None:
    tensors = {}
    for index, (layer, _) in enumerate(head):
        tensors[f"{index}.weight"] = layer.weight.detach().float().contiguous()
        tensors[f"{index}.bias"] = layer.bias.detach().float().contiguous()
    save_file(tensors, file)


def _of_translator(loaded: LoadedModel, quantization: str, parameters: int) -> Manifest:
    defaults = loaded.model.generation_config
    return Manifest(
        kind="translator",
        quantization=quantization,
        parameters=parameters,
        context_length=context_length(loaded),
        max_length=defaults.max_length,
        decoder_room=decoder_room(loaded),
        min_length=max(0, (defaults.min_length or 0) - 1),  # there the token that a decoder begins with counts
        no_repeat_ngram_size=defaults.no_repeat_ngram_size or 0,
        repetition_penalty=defaults.repetition_penalty or 1.0,
        length_penalty=1.0 if defaults.length_penalty is None else defaults.length_penalty,
        forced_first=_tokens(loaded, defaults.forced_bos_token_id),
        suppressed=_suppressed(loaded, defaults),
        forced_end=defaults.forced_eos_token_id is not None,
        end_tokens=_tokens(loaded, sorted(end_ids(defaults))),
    )


def _of_generator(loaded: LoadedModel, quantization: str, parameters: int) -> Manifest:
    own = loaded.tokenizer.eos_token_id  # ends the turns of many chat models whose configuration does not name it
    ends = end_ids(loaded.model.generation_config) | ({own} if own is not None else set())
    return Manifest(
        kind="generator",
        quantization=quantization,
        parameters=parameters,
        context_length=context_length(loaded),
        end_tokens=_tokens(loaded, sorted(ends)),
    )


def _suppressed(loaded: LoadedModel, defaults: Any) -> list[list[str]]:
    sequences = [*(defaults.bad_words_ids or []), *([token] for token in defaults.suppress_tokens or [])]
    known = [sequence for sequence in sequences if sequence != [loaded.config.pad_token_id]]  # never written anyway
    return [_tokens(loaded, sequence) for sequence in known]


def _tokens(loaded: LoadedModel, ids: int | list[int] | None) -> list[str]:
    listed = [] if ids is None else ids if isinstance(ids, list) else [ids]
    return [str(token) for token in loaded.tokenizer.convert_ids_to_tokens(listed)]
