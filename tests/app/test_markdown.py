"""Markdown as pieces: what it means, and that streaming comes to the same."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.markdown import TOO_BIG, TOO_MANY_MARKS, Code, Document, Paragraph, Rule, Span, Table, is_link, parse

SAMPLE = """# Title
Hello *world* **bold `x`** and [link](https://a.example/c) [bad](javascript:alert(1)) ![pic](http://x.example/y.png)
Line two

1. one
1. two

   ```python
   def f(): pass
   ```
1. three
   - nested

> quote
> more

| a | b |
|---|--:|
| 1 | 2 |

```js
let x = 1;

// hi
```
tail <b>x</b>
-

***
    indented

~~~~
open
code"""


def plain(source: str) -> str:
    """The text of all spans, one paragraph after the other."""
    return "\n".join(
        "".join(span.text for span in piece.spans) for piece in parse(source) if isinstance(piece, Paragraph)
    )


def links(source: str) -> list[str]:
    return [span.link for piece in parse(source) if isinstance(piece, Paragraph) for span in piece.spans if span.link]


def streamed(source: str, cuts: list[int]) -> Document:
    document = Document()
    edges = [0, *sorted(cut % (len(source) + 1) for cut in cuts), len(source)]
    for start, end in itertools.pairwise(edges):
        document.append(source[start:end])
    return document


def test_emphasis_becomes_spans():
    (piece,) = parse("a *b* **c** ~~d~~ `e`")
    assert piece == Paragraph(
        (
            Span("a "),
            Span("b", italic=True),
            Span(" "),
            Span("c", bold=True),
            Span(" "),
            Span("d", strike=True),
            Span(" "),
            Span("e", code=True),
        )
    )


def test_a_fence_becomes_code_with_its_language():
    assert parse("```python\nx = 1\n\ny = 2\n```") == [Code("x = 1\n\ny = 2", "python", 0, closed=True)]


def test_an_unclosed_fence_is_code_up_to_the_end():
    assert parse("```\nx") == [Code("x", "", 0, closed=False)]


def test_list_items_are_numbered_from_their_start():
    assert [piece.marker for piece in parse("7. a\n7. b\n7. c")] == ["7.", "8.", "9."]


def test_code_inside_a_list_item_keeps_its_place():
    pieces = parse("1. a\n\n   ```sh\n   ls\n   ```\n2. b")
    assert pieces[1] == Code("ls", "sh", 1, closed=True)
    assert pieces[2].marker == "2."


def test_an_item_that_begins_with_code_shows_its_marker():
    assert parse("- ```\n  x\n  ```")[0] == Paragraph((), 1, "•")


def test_quotations_nest():
    assert [piece.quote for piece in parse("> a\n>\n> > b")] == [1, 2]


def test_a_table_has_rows_and_alignment():
    (table,) = parse("|a|b|c|\n|---|--:|:-:|\n|1|2|3|")
    assert isinstance(table, Table)
    assert table.align == ("left", "right", "center")
    assert [[cell[0].text for cell in row] for row in table.rows] == [["a", "b", "c"], ["1", "2", "3"]]


def test_a_rule_is_a_piece():
    assert parse("a\n\n---") == [Paragraph((Span("a"),)), Rule()]


def test_raw_html_stays_text():
    assert plain("<script>x</script> <b>y</b>\n\n<div onload=a>") == "<script>x</script> <b>y</b>\n<div onload=a>"


def test_an_image_is_its_description_and_its_address():
    assert plain("![a cat](https://x.example/c.png)") == "a cat (https://x.example/c.png)"


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "JaVaScRiPt:x", "vbscript:x", "data:text/html,x", "file:///etc/passwd", "ftp://x", "x:y"],
)
def test_only_web_and_mail_addresses_become_links(target):
    assert links(f"[a]({target}) <{target}>") == []
    assert target in plain(f"[a]({target})")


def test_a_web_address_becomes_a_link_even_without_brackets():
    assert links("see https://a.example/b?c=d, then") == ["https://a.example/b?c=d"]


def test_an_address_that_cannot_be_read_is_no_link():
    assert not is_link("http://[")


def test_a_link_defined_in_advance_is_found():
    assert links("[x]: https://a.example\n\nsee [x]") == ["https://a.example"]


@settings(max_examples=150, deadline=None)
@given(cuts=st.lists(st.integers(min_value=0), max_size=60))
def test_streaming_a_sample_comes_to_the_same_as_parsing_it(cuts):
    assert streamed(SAMPLE, cuts).pieces == parse(SAMPLE)


def test_streaming_character_by_character_is_right_at_every_step():
    document = Document()
    for end, character in enumerate(SAMPLE, start=1):
        document.append(character)
        assert document.pieces == parse(SAMPLE[:end]), SAMPLE[max(0, end - 30) : end]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet='ab \n`*_[](){}<>!#-+1.|~>:\\"&\t', max_size=12), max_size=12))
def test_append_names_the_first_piece_that_changed(chunks):
    document = Document()
    for chunk in chunks:
        before = list(document.pieces)
        first = document.append(chunk)
        assert document.pieces[:first] == before[:first]


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 10_000,
        "![" * 5_000,
        "> " * 10_000,
        '"' * 10_000,
        "*a " * 10_000,
        "`" * 10_000,
        "```\n" * 3_001,
        "- " * 5_000,
        "<div>" * 5_000,
        "[a](" * 4_000,
        "x" * 200_000,
    ],
    ids=lambda text: f"{text[:4]!r}x{len(text)}",
)
def test_hostile_text_is_parsed_in_no_time(hostile):
    start = time.process_time()
    parse(hostile)
    assert time.process_time() - start < 3.0  # some 30 ms each; quadratic parsing would take minutes


def test_nothing_of_a_hostile_text_is_lost():
    assert plain("[" * 10_000).replace("\n", "") == "[" * 10_000 + TOO_MANY_MARKS


def test_a_table_too_large_to_lay_out_is_shown_as_its_source_up_to_the_next_empty_line():
    table = "| a | b |\n|---|---|\n" + "| x | y |\n" * 200
    assert parse(f"before\n\n{table}\nafter *it*") == [
        Paragraph((Span("before"),)),
        Code(table.removesuffix("\n"), TOO_BIG),
        Paragraph((Span("after "), Span("it", italic=True))),
    ]


def test_a_large_table_that_streams_in_ends_as_if_it_had_come_at_once():
    text = "| a | b |\n|---|---|\n" + "| x | y |\n" * 200 + "\n# after"
    assert streamed(text, range(0, len(text), 7)).pieces == parse(text)


def test_a_quotation_with_hundreds_of_parts_is_shown_as_its_source():
    assert parse("> - a\n" * 400)[0].language == TOO_BIG


def test_a_very_long_paragraph_is_parted_so_that_only_its_end_changes():
    document = Document()
    document.append("word " * 3_000)
    assert len(document.pieces) > 2
    assert document.append("more") == len(document.pieces) - 1
