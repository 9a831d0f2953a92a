"""Which processor a model goes to: a GPU where the installed build of the library and the machine have one."""

from __future__ import annotations

from dataclasses import dataclass, field

import xllamacpp

from sidecar.errors import LoadFailed


@dataclass(frozen=True)
class Device:
    """`gpu`: its number, None for the processor. `alone`: the model stays on it, where layers go to all GPUs otherwise."""

    name: str
    gpu: int | None = None
    alone: bool = False
    warnings: list[str] = field(default_factory=list)


def choose(model: str, asked: str) -> Device:
    """`asked` as in a request: auto, cpu, gpu, or a GPU by kind and number. Raises LoadFailed where a named one is missing."""
    gpus = 0 if asked == "cpu" else gpu_count()
    kind, _, number = asked.partition(":")
    if asked in ("auto", "cpu", "gpu"):
        if gpus:
            return Device("gpu", 0)
        missing = ["No GPU can be used by this build of llama.cpp: the model runs on the processor."]
        return Device("cpu", warnings=missing if asked == "gpu" else [])
    index = int(number or 0)
    if index >= gpus:
        raise LoadFailed(model=model, reason=f"there is no {asked}: this build of llama.cpp sees {gpus} GPUs here.")
    return Device(f"{kind}:{index}" if number else kind, index, alone=bool(number))


def gpu_count() -> int:
    """GPUs that the library can use, integrated ones included."""
    return sum("GPU" in str(device["type"]) for device in xllamacpp.get_device_info())
