"""Long texts in pieces, and back together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.engines.splitting import Layout, lay_out


def within(count: int):  # type: ignore[no-untyped-def]
    return lambda text: len(text.strip()) <= count


def pieces(text: str, count: int) -> list[str]:
    return lay_out(text, within(count)).pieces


def test_a_text_that_fits_is_one_piece() -> None:
    assert lay_out("One. Two.", within(100)) == Layout(["One. Two."], ["", ""])


def test_a_paragraph_that_does_not_fit_is_cut_at_sentence_ends() -> None:
    assert pieces('He came. "Why?" she said! Nobody knew…', 20) == ["He came.", '"Why?"', "she said!", "Nobody knew…"]


def test_abbreviations_inside_numbers_and_words_are_no_ends() -> None:
    assert pieces("It costs 3.50 at shop.example today. Come!", 40) == ["It costs 3.50 at shop.example today.", "Come!"]


def test_scripts_without_spaces_are_cut_behind_their_own_full_stops() -> None:
    assert pieces("早上好。火车八点半出发！好吗？", 8) == ["早上好。", "火车八点半出发！", "好吗？"]


def test_a_sentence_that_is_too_long_is_cut_at_clauses_then_words_then_anywhere() -> None:
    assert pieces("one two, three four, five", 12) == ["one two,", "three four,", "five"]
    assert pieces("one two three four", 9) == ["one two", "three", "four"]
    assert pieces("abcdefgh", 4) == ["abcd", "efgh"]


def test_paragraphs_blank_lines_and_indents_stay() -> None:
    text = "  First line.\n\n\n\tSecond one. Third.\r\nLast\n"
    layout = lay_out(text, within(12))
    assert layout.assemble([piece.upper() for piece in layout.pieces]) == text.upper()


def test_a_text_without_words_is_left_to_the_model() -> None:
    assert lay_out("", within(5)) == Layout([""], ["", ""])


def test_a_translation_brings_no_white_space_of_its_own() -> None:
    layout = lay_out("One. Two.", within(5))
    assert layout.assemble([" eins. ", "zwei.\n"]) == "eins. zwei."


def test_the_number_of_translations_must_be_that_of_the_pieces() -> None:
    with pytest.raises(ValueError, match="zip"):
        lay_out("One. Two.", within(5)).assemble(["eins."])


@given(st.text(alphabet="ab .!?,\n\t。", max_size=60), st.integers(1, 20))
def test_nothing_is_lost_and_every_piece_fits(text: str, count: int) -> None:
    layout = lay_out(text, within(count))
    if layout.pieces != [text]:
        assert layout.assemble(layout.pieces) == text
        assert all(len(piece) <= count for piece in layout.pieces)
