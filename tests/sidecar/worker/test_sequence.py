"""Sequences: text leaves them only when it can no longer change."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.engines.base import Prompt
from sidecar.types import Sampling
from sidecar.worker.sequence import Detokenizer, Sequence, StopStrings
from tests.helpers.models import tiny
from tests.helpers.tokenizers import byte_level_tokenizer

END = -1
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=40)
FEW_LETTERS = st.text(alphabet="ab c", max_size=30)


def letters(tokens: list[int]) -> str:
    """A decoder whose tokens are letters."""
    return "".join(chr(token) for token in tokens if token != END)


def sequence(
    *, limit: int = 1000, stop: list[str] | None = None, decode: Callable[[list[int]], str] = letters
) -> Sequence:
    return Sequence(1, 1, Prompt([1], limit, frozenset([END]), decode, Sampling(), 0, stop or []), 0.0)


def feed(target: Sequence, tokens: list[int]) -> list[str]:
    """What leaves the sequence with each token, until it ends."""
    pieces = []
    for token in tokens:
        pieces.append(target.append(token))
        if target.finish_reason:
            break
    return pieces


@functools.cache
def byte_level() -> Any:
    return byte_level_tokenizer()


@functools.cache
def sentence_piece() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny("t5"))


def byte_fallback() -> Any:
    """A decoder in the way of Llama 2: unknown characters are one token per byte."""
    from tokenizers import decoders

    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return lambda tokens: decoder.decode([pieces[token] for token in tokens])


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_streamed_text_is_the_decoded_text_for_byte_level_tokens(text: str) -> None:
    tokenizer = byte_level()
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = feed(sequence(decode=lambda ids: tokenizer.decode([i for i in ids if i != END])), [*tokens, END])
    assert "".join(pieces) == tokenizer.decode(tokens)
    assert not any("\ufffd" in piece for piece in pieces)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="the smalrdGüßö日本 .", max_size=40))
def test_streamed_text_is_the_decoded_text_for_sentence_pieces(text: str) -> None:
    tokenizer = sentence_piece()
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    decode = functools.partial(tokenizer.decode, skip_special_tokens=True)
    pieces = feed(sequence(decode=lambda ids: decode([i for i in ids if i != END])), [*tokens, END])
    assert "".join(pieces) == decode(tokens)


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT)
def test_streamed_text_is_the_text_for_single_bytes(text: str) -> None:
    decode = byte_fallback()
    detokenizer = Detokenizer(decode)
    pieces = [detokenizer.append(byte) for byte in text.encode()]
    assert "".join(pieces) + detokenizer.flush() == text
    assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_that_the_limit_cuts_in_half_is_not_sent(cut: int) -> None:
    data = list("ok😀".encode())[: 2 + cut]
    target = sequence(limit=len(data), decode=lambda ids: bytes(ids).decode("utf-8", "replace"))
    assert "".join(feed(target, data)) == "ok"
    assert target.finish_reason == "length"


@settings(max_examples=500, deadline=None)
@given(FEW_LETTERS, st.lists(st.text(alphabet="ab c", min_size=1, max_size=5), min_size=1, max_size=3))
def test_no_part_of_a_stop_string_leaks(text: str, stops: list[str]) -> None:
    target = sequence(stop=stops)
    shown = "".join(feed(target, [*map(ord, text), END]))
    ends = [at + len(stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not ends:
        assert shown == text
        return
    first = text[: min(ends)]
    assert shown in {first.removesuffix(stop) for stop in stops if first.endswith(stop)}
    assert not any(stop in shown for stop in stops)
    assert target.finish_reason == "stop"


@settings(max_examples=300, deadline=None)
@given(
    FEW_LETTERS, st.lists(st.integers(1, 5), min_size=30, max_size=30), st.text(alphabet="ab c", min_size=1, max_size=4)
)
def test_stop_strings_do_not_depend_on_where_tokens_end(text: str, sizes: list[int], stop: str) -> None:
    def shown(pieces: list[str]) -> str:
        stops, out = StopStrings([stop]), ""
        for piece in pieces:
            more, stopped = stops.feed(piece)
            out += more
            if stopped:
                return out
        return out + stops.flush()

    chunks, rest = [], text
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    assert shown(chunks) == shown(list(text))


def test_text_that_only_looked_like_a_stop_string_is_sent_after_all() -> None:
    assert feed(sequence(stop=["END"]), [*map(ord, "xENxEN"), END]) == ["x", "", "", "ENx", "", "", "EN"]


def test_an_end_token_ends_without_text() -> None:
    target = sequence()
    assert feed(target, [ord("a"), END, ord("b")]) == ["a", ""]
    assert (target.finish_reason, len(target.generated)) == ("stop", 2)


def test_the_limit_ends_with_reason_length() -> None:
    target = sequence(limit=2)
    assert "".join(feed(target, list(map(ord, "abc")))) == "ab"
    assert target.finish_reason == "length"


def test_an_end_token_at_the_limit_is_a_stop() -> None:
    target = sequence(limit=2)
    feed(target, [ord("a"), END])
    assert target.finish_reason == "stop"


def test_a_whole_sequence_gives_its_text_with_the_last_token() -> None:
    prompt = Prompt([1], 10, frozenset([END]), letters, Sampling(), 0)
    assert feed(Sequence(1, 1, prompt, 0.0, whole=True), [*map(ord, "abc"), END]) == ["", "", "", "abc"]
