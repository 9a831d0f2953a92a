"""What a model is and what it is doing, as words. Pure; knows no widget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from PySide6.QtCore import QCoreApplication

from app.figures import memory
from app.widgets.pill import Tone
from sidecar.types import JobInfo, ModelInfo

NONE = "–"
UNITS = (("B", 1e9), ("M", 1e6), ("k", 1e3))


@dataclass(frozen=True)
class Standing:
    """Whether a model is in memory, or on its way there: a badge and a few words beside it."""

    text: str
    tone: Tone
    note: str = ""


def standing(model: ModelInfo, job: JobInfo | None = None) -> Standing:
    """What a model is doing. `job`: the one that runs for it."""
    pinned = _tr("pinned") if model.pinned else ""
    if job is not None:
        return Standing(_tr("preparing"), "warning", _tr("{0} %").format(round(100 * job.progress)))
    if model.state == "loading":
        return Standing(_tr("loading"), "warning", pinned)
    if model.is_loaded:
        held = memory(model.memory_usage_mb or 0)
        return Standing(_tr("in memory"), "ok", " · ".join(filter(None, (held, pinned))))
    if not usable(model):
        return Standing(_tr("unusable"), "bad")
    return Standing(_tr("not loaded"), "neutral", pinned)


def usable(model: ModelInfo) -> bool:
    """Whether its files could be read; where not, its description says why."""
    return model.size_mb > 0 or bool(model.capabilities)


def task(model_type: str) -> str:
    """What a model is for, in a word."""
    words = {
        "text_generation": _tr("Chat"),
        "classification": _tr("Classification"),
        "translation": _tr("Translation"),
        "embedding": _tr("Embeddings"),
        "reranking": _tr("Reranking"),
    }
    return words.get(model_type, model_type)


def parameters(count: int | None) -> str:
    """1.7B, 124M, 820k; empty where it is not known."""
    for unit, size in UNITS:
        if count and count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count}" if count else ""


def size(megabytes: float) -> str:
    """Of files: 820 kB, 4.6 MB, 1.3 GB."""
    if not megabytes:
        return NONE
    if megabytes < 1:
        return f"{max(1, round(megabytes * 1024))} kB"
    return f"{megabytes:.1f} MB" if megabytes < 10 else memory(megabytes)


def origin(came: str) -> str:
    """How a model came here."""
    words = {
        "builtin": _tr("came with Inglenook"),
        "downloaded": _tr("downloaded"),
        "imported": _tr("imported"),
        "in_place": _tr("used where it is"),
        "hub_cache": _tr("in the hub's cache"),
    }
    return words.get(came, came)


def keeper(model_path: str) -> str:
    """The program in whose store a path lies; empty where it is none that is known."""
    place = PurePath(model_path)
    if place.parent.name == "blobs" and place.name.startswith("sha256-"):
        return "Ollama"
    return "LM Studio" if {".lmstudio", "lm-studio"} & set(place.parts) else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelWords", text)
