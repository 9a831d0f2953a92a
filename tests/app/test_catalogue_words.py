"""What the catalogue tells of a model, as words."""

import pytest

from app.catalogue_words import file, fit, kind, request, safety, speed
from sidecar.types import CatalogueEntry, Range, SafetyFinding, Suitability, Variant

SUITS = Suitability("fits", "It takes little.", needed_mb=2400.0, tokens_per_second=Range(21.6, 24.0, 27.3))


def entry(**fields):
    told = {"id": "org/Owl-7B", "name": "Owl 7B", "task": "text_generation", "suitability": SUITS, "licence": "mit"}
    return CatalogueEntry(**told | fields)


@pytest.mark.parametrize(
    ("suits", "words"),
    [
        (SUITS, ("Fits", "")),
        (Suitability("tight", "", needed_mb=8100.0), ("Tight", "needs 8.1 GB")),
        (Suitability("too_large", "", needed_mb=25_500.0), ("Does not fit", "needs 25.5 GB")),
        (Suitability("unknown", ""), ("Not known", "")),
    ],
    ids=lambda value: value.verdict if isinstance(value, Suitability) else "",
)
def test_whether_it_fits_is_said_with_the_figure_behind_it(suits, words):
    assert (fit(suits).text, fit(suits).note) == words


def test_the_recommended_one_is_said_to_be_the_best():
    assert fit(SUITS, best=True).note == "Recommended"


@pytest.mark.parametrize(
    ("task", "suits", "words"),
    [
        ("text_generation", SUITS, "22–27 tok/s"),
        ("embedding", Suitability("fits", "", texts_per_second=Range(1090.0, 1100.0, 1104.0)), "1,090–1,104 texts/s"),
        ("translation", Suitability("fits", "", texts_per_second=Range(0.094, 0.12, 0.2)), "0.09–0.2 sentences/s"),
        ("embedding", Suitability("fits", ""), "–"),
    ],
)
def test_a_speed_is_an_interval_in_the_unit_of_its_task(task, suits, words):
    assert speed(suits, task) == words


def test_a_row_says_what_would_be_fetched_and_whose_it_is():
    assert file(entry(bytes=1_100_000_000, formats=["gguf"], variant="Q4_K_M")) == "Q4_K_M · 1.1 GB"
    assert file(entry(formats=["safetensors"], variant="safetensors")) == "safetensors"
    assert kind(entry(parameters=7_000_000_000)) == "Chat · org · 7B · MIT"
    assert kind(entry(curated=True)) == "Chat · MIT"


def test_only_quantisations_are_asked_for_by_name():
    chosen = Variant("Q8_0", "gguf", "", 1, [], SUITS)
    whole = Variant("safetensors", "safetensors", "", 1, [], SUITS)
    assert request(entry(revision="refs/pr/4"), chosen, ("pickle",)).revision == "refs/pr/4"
    assert [request(entry(), one).variant for one in (chosen, whole)] == ["Q8_0", None]


def test_the_gravest_finding_gives_the_word():
    ask = SafetyFinding("ask", "pickle", "", permission="pickle")
    nothing = SafetyFinding("refused", "format", "")
    assert safety([]).text == "no code, no pickle"
    assert safety([ask]).text == "asks for your permission"
    assert safety([ask, nothing]).tone == "bad"
