"""Matching a few typed letters."""

import pytest

from app.widgets.fuzzy import score


def test_letters_must_come_in_their_order():
    assert score("sr", "restart service") is not None
    assert score("xz", "restart service") is None
    assert score("ba", "ab") is None


def test_everything_matches_nothing_typed():
    assert score("", "anything") == 0


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("nc", "New chat", "Announce"),
        ("rest", "Restart the service", "Remove last entry"),
        ("chat", "Chat", "Copy the address of this"),
    ],
)
def test_starts_of_words_and_runs_count_more(query, better, worse):
    assert score(query, better) > (score(query, worse) or -100)


def test_words_before_the_one_that_was_typed_cost_nothing():
    assert score("models", "Go to Models") == score("models", "Models dir")


def test_case_and_spaces_do_not_matter():
    assert score("NEW CH", "new chat") == score("newch", "New Chat")
