"""Model cards as they are shown."""

import time

import pytest

from app.views.catalogue.card_text import LONGEST, readable


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        ("<p align='center'><img src='http://x.example/a.png' width=3></p>\n\n# Owl", "# Owl"),
        ("<!-- a\nremark --># Owl", "# Owl"),
        ("[![badge](http://x.example/b.svg)](http://x.example) Owl", "Owl"),
        ("![picture](data:image/png;base64,AAAA)\n\nOwl", "Owl"),
        ("one<br>two", "one\ntwo"),
        ("<script>alert(1)</script>Owl<style>p {}</style>", "Owl"),
        ("<div>\n    <b>Owl</b>\n</div>", "Owl"),
        ("a < b and c > d", "a < b and c > d"),
        ("```html\n<p>kept</p>\n```", "```html\n<p>kept</p>\n```"),
        ("- one\n    - two", "- one\n    - two"),
    ],
    ids=["picture", "remark", "badge", "data", "break", "script", "indented", "mathematics", "code", "list"],
)
def test_html_and_pictures_go_and_words_stay(card, shown):
    assert readable(card) == shown


def test_a_card_without_end_is_cut_and_says_so():
    assert len(readable("owl " * LONGEST)) < LONGEST + 200
    assert "rest of the card" in readable("owl " * LONGEST)


@pytest.mark.alone
@pytest.mark.parametrize("piece", ["<", "<a b=", "![", "[![", "<style>", "<!--", "<div", "\n \n", "```\n", "<br"])
def test_a_hostile_card_keeps_the_window_awake(piece):
    card = piece * (LONGEST // len(piece))
    before = time.thread_time()
    readable(card)
    assert time.thread_time() - before < 0.05
