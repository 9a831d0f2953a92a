"""Marks for source code."""

import time

from app.highlight import highlight


def marked(text: str, language: str) -> list[tuple[str, str]]:
    """What is marked, and in which role."""
    lines = text.split("\n")
    return [
        (lines[number][mark.start : mark.start + mark.length], mark.role)
        for number, marks in enumerate(highlight(text, language))
        for mark in marks
    ]


def test_keywords_and_names_of_functions_are_marked():
    assert ("def", "accent_text") in marked("def f():\n    return 1", "python")
    assert ("f", "text") in marked("def f():\n    return 1", "python")


def test_a_string_over_several_lines_is_marked_on_each():
    assert [role for _, role in marked('"""a\nb"""', "python")] == ["ok_text", "ok_text"]


def test_a_comment_at_the_very_end_is_marked():
    assert ("# starts", "muted") in marked("make  # starts", "bash")


def test_there_is_one_entry_for_every_line():
    assert len(highlight("a\n\nb\n", "python")) == 4


def test_an_unknown_language_stays_plain():
    assert highlight("x y", "no-such-language") == [()]
    assert highlight("x y", "") == [()]


def test_a_hostile_line_is_not_lexed():
    start = time.process_time()
    assert highlight("a(" * 50_000, "python") == [()]
    assert time.process_time() - start < 1.0
