"""What the catalogue tells of a model, as words: whether it fits, how quick it is, what would be fetched. Pure."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.figures import file_size
from app.model_words import NONE, Standing, parameters, task
from sidecar.types import CatalogueEntry, DownloadRequest, Range, SafetyFinding, Suitability, Variant

MB = 1e6
LICENCES = {
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "bsd-3-clause": "BSD 3-Clause",
    "gemma": "Gemma",
    "llama3.1": "Llama 3.1",
    "llama3.2": "Llama 3.2",
    "qwen-research": "Qwen Research",
}
FORMATS = {"gguf": "GGUF", "safetensors": "safetensors", "pickle": "pickle"}
SMALL_STEP = 10  # from here on a speed is told without a fraction


def fit(suits: Suitability, *, best: bool = False) -> Standing:
    """The badge, and in a few words why; the whole reason stands on the model's page."""
    if suits.verdict == "fits":
        return Standing(_tr("Fits"), "ok", _tr("Recommended") if best else "")
    if suits.verdict == "tight":
        return Standing(_tr("Tight"), "warning", _needs(suits) or _tr("little room is left"))
    if suits.verdict == "too_large":
        return Standing(_tr("Does not fit"), "bad", _needs(suits))
    return Standing(_tr("Not known"), "neutral")


def speed(suits: Suitability, model_type: str) -> str:
    """22–27 tok/s; a dash where it cannot be told."""
    if suits.tokens_per_second is not None and model_type == "text_generation":
        return _tr("{0} tok/s").format(_ends(suits.tokens_per_second))
    found = suits.texts_per_second
    if found is None:
        return NONE
    words = _tr("{0} sentences/s") if model_type == "translation" else _tr("{0} texts/s")
    return words.format(_ends(found))


def file(entry: CatalogueEntry) -> str:
    """What would be fetched: Q4_K_M · 1.1 GB."""
    return " · ".join(filter(None, (form(entry), file_size(entry.bytes) if entry.bytes else ""))) or NONE


def form(entry: CatalogueEntry) -> str:
    """The quantisation where there are several, else the format."""
    if entry.variant and entry.variant not in FORMATS:
        return entry.variant
    return " · ".join(FORMATS[one] for one in entry.formats[:1])


def kind(entry: CatalogueEntry) -> str:
    """Under its name: Chat · 1.7B · Apache 2.0; whose it is where anybody could have published it."""
    owner = "" if entry.curated else entry.id.partition("/")[0]
    parts = (task(entry.task), owner, parameters(entry.parameters), licence(entry.licence))
    return " · ".join(filter(None, parts))


def licence(name: str | None) -> str:
    """As people write it; empty where none is named."""
    return LICENCES.get((name or "").casefold(), name or "")


def memory_needed(suits: Suitability) -> str:
    """How much memory; empty where it is not known."""
    return file_size(suits.needed_mb * MB) if suits.needed_mb else ""


def interval(found: Range | None, unit: str) -> str:
    """2–3 s; empty where it is not known."""
    return f"{_ends(found)} {unit}" if found else ""


def safety(findings: list[SafetyFinding]) -> Standing:
    """All findings in one badge, after the gravest."""
    if any(one.severity == "refused" and one.kind == "format" for one in findings):
        return Standing(_tr("nothing usable in it"), "bad")
    if any(one.severity == "ask" for one in findings):
        return Standing(_tr("asks for your permission"), "warning")
    if any(one.severity == "refused" for one in findings):
        return Standing(_tr("some files refused"), "warning")
    return Standing(_tr("no code, no pickle"), "ok")


def request(entry: CatalogueEntry, variant: Variant | None = None, allow: tuple[str, ...] = ()) -> DownloadRequest:
    """What to ask the service for. Only quantisations are named: formats it chooses by what the hub has now."""
    chosen = variant.name if variant else entry.variant
    return DownloadRequest(
        model=entry.id,
        revision=entry.revision,
        variant=None if chosen in FORMATS else chosen,
        allow=list(allow),  # type: ignore[arg-type]
    )


def _needs(suits: Suitability) -> str:
    needed = memory_needed(suits)
    return _tr("needs {0}").format(needed) if needed else ""


def _ends(found: Range) -> str:
    low, high = _figure(found.low), _figure(found.high)
    return low if low == high else f"{low}–{high}"


def _figure(value: float) -> str:
    if value >= SMALL_STEP:
        return f"{value:,.0f}"
    if value >= 1:
        return f"{value:.1f}"
    return f"{value:.2g}" if value >= 0.1 else f"{value:.1g}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("CatalogueWords", text)
