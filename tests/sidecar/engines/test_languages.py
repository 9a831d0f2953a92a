"""Language codes."""

from __future__ import annotations

import pytest

from sidecar.engines.languages import ROWS, english_name, find

NLLB = ["arb_Arab", "deu_Latn", "eng_Latn", "pes_Arab", "zho_Hans", "zho_Hant"]


@pytest.mark.parametrize(
    ("asked", "known", "found"),
    [
        ("deu_Latn", NLLB, "deu_Latn"),
        ("DEU_latn", NLLB, "deu_Latn"),
        ("de", NLLB, "deu_Latn"),
        ("ger", NLLB, "deu_Latn"),
        ("ar", NLLB, "arb_Arab"),
        ("fa", NLLB, "pes_Arab"),
        ("zh", NLLB, "zho_Hans"),
        ("zh-Hant", NLLB, "zho_Hant"),
        ("zh-Latn", NLLB, None),
        ("fr", NLLB, None),
        ("deu", ["de", "en"], "de"),
        ("de", ["de_DE", "en_XX"], "de_DE"),
        ("en", ["de_DE", "en_XX"], "en_XX"),
        ("xx", ["de"], None),
    ],
)
def test_a_code_is_found_among_the_models_own(asked: str, known: list[str], found: str | None) -> None:
    assert find(asked, known) == found


def test_the_english_name_is_known_for_every_kind_of_code() -> None:
    assert [english_name(code) for code in ("de", "deu", "de_DE", "ger")] == ["German"] * 4
    assert english_name("xx") is None


def test_the_table_names_each_language_once() -> None:
    codes = [row[0] for row in ROWS]
    assert len(codes) == len(set(codes)) > 100
    assert all(len(two) <= 3 and len(three) == 3 for two, three, _ in ROWS)
