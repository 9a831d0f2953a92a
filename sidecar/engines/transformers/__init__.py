"""The engine for models in Hugging Face format: torch and the transformers library, imported nowhere else in the service.

Models are loaded from safetensors, or are exported programs; code that comes with a model is never run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import torch

from sidecar.engines.base import Model
from sidecar.engines.threads import SharedCores
from sidecar.engines.transformers.assembly import assemble, assemble_kept
from sidecar.engines.transformers.device import choose_device, set_threads
from sidecar.engines.transformers.fused.rounding import RoundedTooCoarsely
from sidecar.engines.transformers.loading import load_model
from sidecar.engines.transformers.measuring import measure
from sidecar.engines.transformers.memory import give_back
from sidecar.registry.exported import MANIFEST
from sidecar.runtime.protocol import Load

__all__ = ["load", "measure"]


def load(frame: Load) -> Model:
    """Load the model in `frame.path` for `frame.task`. Raises LoadFailed, or whatever the library raises."""
    threads = set_threads(frame.threads)
    device, warnings = choose_device(frame.model, frame.device)
    model = _assembled(frame, device, warnings)
    model.facts.warnings = [*warnings, *model.facts.warnings]
    model.facts.memory_bytes += psutil.Process().memory_info().rss
    return replace(model, cores=SharedCores(threads, torch.set_num_threads)) if device.type == "cpu" else model


def _assembled(frame: Load, device: torch.device, warnings: list[str]) -> Model:
    if (Path(frame.path) / MANIFEST).is_file():
        from sidecar.engines.transformers.exported.assembly import (
            load_exported,  # with a part of torch that no other model needs
        )

        return load_exported(frame, device)
    try:
        return assemble_kept(frame, device) or _from_weights(frame, device)
    except RoundedTooCoarsely as coarse:
        warnings.append(str(coarse))
        return _assembled(msgspec.structs.replace(frame, quantization=coarse.instead), device, warnings)


def _from_weights(frame: Load, device: torch.device) -> Model:
    model = assemble(load_model(frame, device))
    give_back()
    return model
