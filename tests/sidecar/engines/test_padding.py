"""What is told of padding: as much as was computed and thrown away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.engines.base import Model
from sidecar.runtime.protocol import Classified, Classify, Embed, Embedded, Translate, Translated
from sidecar.types import ModelType, TranslationOptions
from tests.helpers.exported import exported_classifier
from tests.helpers.models import tiny
from tests.helpers.worker import drive, load, outcome

SHORT, LONG = "tea", "good rain and bad coffee"
Asked = Callable[[list[str]], Classify | Embed | Translate]


def classify(texts: list[str]) -> Classify:
    return Classify(1, texts)


def embed(texts: list[str]) -> Embed:
    return Embed(1, texts)


def translate(texts: list[str]) -> Translate:
    return Translate(1, texts, "en", "de")


def translate_with_beams(texts: list[str]) -> Translate:
    return Translate(1, texts, "en", "de", options=TranslationOptions(num_beams=2))


def told(model: Model, request: Classify | Embed | Translate) -> tuple[int, int]:
    """Tokens read, and tokens of padding."""
    found = outcome(drive(model, request)[1])
    assert isinstance(found, Classified | Embedded | Translated)
    return found.prompt_tokens if isinstance(found, Translated) else found.tokens, found.padding


@pytest.mark.parametrize(
    ("name", "task", "asked"),
    [
        ("bert-single", "classification", classify),
        ("embed-mean", "embedding", embed),
        ("marian", "translation", translate),
        ("marian", "translation", translate_with_beams),
    ],
)
def test_encoders_of_our_own_compute_no_padding(name: str, task: ModelType, asked: Asked) -> None:
    assert told(load(tiny(name), task), asked([SHORT, LONG]))[1] == 0


@pytest.mark.parametrize(
    ("folder", "task", "asked"),
    [
        (lambda: tiny("gpt2-classifier"), "classification", classify),
        (exported_classifier, "classification", classify),
        (lambda: tiny("t5"), "translation", translate),
        (lambda: tiny("t5"), "translation", translate_with_beams),
    ],
)
def test_other_encoders_make_texts_as_long_as_the_longest(
    folder: Callable[[], Path], task: ModelType, asked: Asked
) -> None:
    model = load(folder(), task)
    (short, none), (long, _), (both, padding) = (
        told(model, asked(texts)) for texts in ([SHORT], [LONG], [SHORT, LONG])
    )
    assert none == 0
    assert both == short + long
    assert padding == long - short > 0


def test_a_program_of_fixed_size_computes_whole_rows_of_padding() -> None:
    model = load(exported_classifier(rows=4, columns=16), "classification")
    read, padding = told(model, classify([SHORT, LONG]))
    assert read + padding == 4 * 16
