"""Reads a model folder: configuration, tokenizer, weights. Runs no code from it and reads no pickled weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTextEncoding,
    GenerationConfig,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING
from transformers.utils import CONFIG_NAME, GENERATION_CONFIG_NAME
from transformers.utils import logging as library_logging

from sidecar.engines.model_folder import read_config, read_tokenizer, weights_folder
from sidecar.engines.transformers.device import choose_dtype
from sidecar.engines.transformers.fused.building import FAMILIES
from sidecar.engines.transformers.spread import cards, spread
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Load

library_logging.disable_progress_bar()
# The library imports most of itself with the first architecture that is used: better while nobody waits for a model.
import_module("transformers.models.llama.modeling_llama")

# What a checkpoint without a head may lack where only hidden states are used.
UNUSED_FOR_EMBEDDING = ("pooler.", "position_ids")
NAMES_SHOWN = 5
STORED_TYPES = {"F16": torch.float16, "BF16": torch.bfloat16}


@dataclass
class LoadedModel:
    """A model with its tokenizer, as the library gives them, and the frame that asked for it. `computed`: what it computes in,
    which its weights may have to become first."""

    frame: Load
    folder: Path
    model: Any
    tokenizer: Any
    device: torch.device
    computed: torch.dtype = torch.float32
    warnings: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.frame.model

    @property
    def places(self) -> str:
        """The device, or all of them where the model's layers are on several."""
        layers: dict[str, Any] = getattr(self.model, "hf_device_map", {})
        names = sorted(
            {str(torch.device(self.device.type, place)) for place in layers.values() if isinstance(place, int)}
        )
        return "+".join(names) or str(self.device)

    @property
    def config(self) -> Any:
        return self.model.config


def load_model(frame: Load, device: torch.device) -> LoadedModel:
    """Load the folder's model for the frame's task. Raises LoadFailed, and what the library raises for damaged files."""
    folder = weights_folder(Path(frame.path))
    config = read_config(frame.model, folder)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise LoadFailed(
            model=frame.model, reason="its folder holds no safetensors weights; other formats are not read."
        )
    stored = stored_dtype(weights[0])
    computed = _computed(frame, device, stored)
    # Of a decoder that is taken apart each layer becomes float32 by itself: all at once would take twice the room or more.
    dtype = (
        stored
        if device.type == "cpu" and frame.task == "text_generation" and config.model_type in FAMILIES
        else computed
    )
    size = sum(file.stat().st_size for file in weights) * dtype.itemsize // stored.itemsize
    room = spread(frame.model, size, cards(frame.device, device))
    model, report = _model_class(frame.task, config).from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        **({"device_map": "auto", "max_memory": room} if room else {}),
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    _check_complete(frame, report["missing_keys"])
    tokenizer = read_tokenizer(folder, config)
    model = model.eval() if room else model.to(device).eval()
    return LoadedModel(frame, folder, model, tokenizer, model.device, computed)


def load_skeleton(frame: Load, device: torch.device) -> LoadedModel:
    """The model without numbers in its weights, with everything else as `load_model` gives it."""
    folder = weights_folder(Path(frame.path))
    config = read_config(frame.model, folder)
    with torch.device("meta"):
        model = _model_class(frame.task, config).from_config(config, dtype=torch.float32)
    if (folder / GENERATION_CONFIG_NAME).is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    else:  # what older models have of it stands among the rest
        model.generation_config = GenerationConfig.from_pretrained(
            folder, CONFIG_NAME, local_files_only=True, _from_model_config=True
        )
    return LoadedModel(frame, folder, model.eval(), read_tokenizer(folder, config), device)


def _computed(frame: Load, device: torch.device, stored: torch.dtype) -> torch.dtype:
    """What the library's layers compute in. Rounding begins with float32."""
    if device.type == "cpu" and frame.quantization in ("int8", "int4"):
        return torch.float32
    return choose_dtype(device, stored)


def stored_dtype(weights: Path) -> torch.dtype:
    """The precision of a weights file, taken from its largest tensor; anything but a half type counts as float32."""
    with safe_open(weights, framework="pt") as file:
        slices = [file.get_slice(key) for key in file.keys()]  # noqa: SIM118 - not a dict
        largest = max(slices, key=lambda item: torch.Size(item.get_shape()).numel())
        return STORED_TYPES.get(largest.get_dtype(), torch.float32)


def _model_class(task: str, config: Any) -> Any:
    if task == "classification":
        return AutoModelForSequenceClassification
    if task == "embedding":
        return AutoModelForTextEncoding if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING else AutoModel
    if task == "translation" or config.is_encoder_decoder:
        return AutoModelForSeq2SeqLM
    return AutoModelForCausalLM


def _check_complete(frame: Load, missing: set[str]) -> None:
    """Refuse weights that the library would fill with random numbers: such a model answers nonsense."""
    optional = UNUSED_FOR_EMBEDDING if frame.task == "embedding" else ()
    lacking = sorted(key for key in missing if not any(part in key for part in optional))
    if not lacking:
        return
    shown = ", ".join(lacking[:NAMES_SHOWN]) + (" …" if len(lacking) > NAMES_SHOWN else "")
    task = frame.task.replace("_", " ")
    raise LoadFailed(model=frame.model, reason=f"it is no model for {task}: its files lack the weights {shown}.")


def context_length(loaded: LoadedModel) -> int | None:
    """Tokens the model can attend to, None where neither configuration nor tokenizer says."""
    config = loaded.config.get_text_config()
    names = ("max_position_embeddings", "n_positions", "max_sequence_length", "n_ctx", "seq_length")
    length = next(
        (value for name in names if isinstance(value := getattr(config, name, None), int) and value > 0), None
    )
    if length is None:
        limit = loaded.tokenizer.model_max_length
        return int(limit) if limit < 1e9 else None  # the library's way of saying "no limit" is 1e30
    return length - _first_position(loaded.model)


def _first_position(model: Any) -> int:
    """RoBERTa and its kin count positions from after the padding index and so hold fewer tokens than positions."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0
