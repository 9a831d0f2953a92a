"""What is predicted of a model beside what was measured, as words. Pure; knows no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication

from app.figures import duration, memory
from app.model_words import NONE
from app.widgets.pill import Tone
from sidecar.types import Fit, ModelInfo, PredictResponse, Preparation, Range

FITS: dict[str, tuple[str, Tone]] = {
    "fits": ("fits", "ok"),
    "after_unloading": ("fits after unloading", "warning"),
    "too_large": ("does not fit", "bad"),
}


@dataclass(frozen=True)
class Unknown:
    """A prediction of which nothing is known."""

    load_s: None = None
    memory_mb: None = None
    first_token_s: None = None
    tokens_per_second: None = None
    texts_per_second: None = None


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Comparison:
    """One line of the prediction: what it is about, and both sides as words. `inside`: the measured lies in the range."""

    title: str
    predicted: str
    interval: str
    measured: str
    inside: bool = True


def fit(fits: Fit) -> tuple[str, Tone, str]:
    """The badge, its tone, and the figures behind it."""
    text, tone = FITS[fits.verdict]
    needed, free = memory(fits.needed_mb), memory(fits.free_mb)
    return _tr(text), tone, _tr("It needs {0}; {1} are free.").format(needed, free)


def comparisons(model: ModelInfo, found: PredictResponse) -> list[Comparison]:
    """Predicted against measured, line by line; a line of which neither side is known is left out."""
    made, seen = found.prediction or UNKNOWN, found.measured
    lines = [
        _line(_tr("Loads in"), made.load_s, seen.load_s, seconds),
        _line(_tr("Memory"), made.memory_mb, seen.memory_mb, memory),
    ]
    if model.model_type == "text_generation":
        lines += [
            _line(_tr("First token"), made.first_token_s, seen.first_token_s, seconds),
            _line(_tr("Speed"), made.tokens_per_second, seen.tokens_per_second, _rate(_tr("tok/s"))),
        ]
    else:
        speed = _line(_tr("Speed"), made.texts_per_second, seen.texts_per_second, _rate(_tr("texts/s")))
        lines.append(replace(speed, inside=True))  # one text at a time was predicted, lists may have been measured
    return [line for line in lines if (line.predicted, line.measured) != (NONE, NONE)]


def basis(found: PredictResponse) -> str:
    """What both sides rest on, in one or two sentences."""
    seen, sentences = found.measured, []
    if found.prediction is not None:
        asked = found.request
        words = _tr("Predicted for texts of {0} tokens, one at a time.")
        sentences.append(words.format(f"{asked.prompt_tokens:,}"))
    loads = _tr("1 load") if seen.loads == 1 else _tr("{0} loads").format(seen.loads)
    answers = _tr("1 answer") if seen.answers == 1 else _tr("{0} answers").format(seen.answers)
    if seen.loads or seen.answers:
        sentences.append(
            _tr("Measured: medians of {0} and {1} that had the machine to themselves.").format(loads, answers)
        )
    else:
        sentences.append(_tr("Nothing was measured yet: it is, whenever the model has the machine to itself."))
    return " ".join(sentences)


def prepared(preparation: Preparation) -> str:
    """How close the converted model came to the original."""
    measures = [
        _tr("{0} {1} (asked: {2})").format(name.replace("_", " "), f"{value:.4g}", f"{preparation.thresholds[name]:g}")
        for name, value in preparation.measures.items()
        if name in preparation.thresholds
    ]
    samples = _tr("compared on {0} sample texts").format(preparation.samples)
    return f"{preparation.precision} · {samples}: {', '.join(measures)}"


def seconds(value: float) -> str:
    """1.8 ms, 18 ms, 0.42 s, 3.1 s, 2 min."""
    if value < 0.1:
        return f"{value * 1000:.0f} ms" if value >= 0.0095 else f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if value < 1 else duration(value)


def _line(title: str, made: Range | None, measured: float | None, words: Callable[[float], str]) -> Comparison:
    return Comparison(
        title,
        words(made.expected) if made else NONE,
        _interval(made, words) if made else "",
        words(measured) if measured is not None else NONE,
        inside=made is None or measured is None or made.low <= measured <= made.high,
    )


def _interval(made: Range, words: Callable[[float], str]) -> str:
    """The two ends; without their unit where it is that of what is expected, which stands beside it."""
    ends = [words(made.low), words(made.high)]
    unit = words(made.expected).partition(" ")[2]
    if all(end.partition(" ")[2] == unit for end in ends):
        ends = [end.partition(" ")[0] for end in ends]
    return "–".join(ends)


def _rate(unit: str) -> Callable[[float], str]:
    return lambda value: f"{value:,.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelsView", text)
