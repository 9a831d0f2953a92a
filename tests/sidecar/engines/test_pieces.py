"""Prompts that are read in pieces, and prefixes that are not read again: of the decoder that is computed here, and of the
library's layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sidecar.engines.base import Model
from sidecar.engines.transformers import pieces
from sidecar.engines.transformers.pieces import PieceReader
from sidecar.engines.transformers.prefixes import Prefixes, common
from sidecar.runtime.protocol import Cancel, Generate, Load
from sidecar.types import Sampling
from sidecar.worker.scheduler import Scheduler
from tests.helpers.models import tiny
from tests.helpers.tokenizers import VOCABULARY
from tests.helpers.worker import answer, ends, load, outcome, run, text_of

LONG = " ".join(VOCABULARY * 3)
READERS = ["llama-base", "gpt2"]  # ours, the library's


def ask(key: int, prompt: str, tokens: int = 12) -> Generate:
    return Generate(key, prompt, None, Sampling(temperature=0.0, max_new_tokens=tokens))


def reader(model: Model) -> PieceReader[Any]:
    assert isinstance(model.generator, PieceReader)
    return model.generator


def scheduled(model: Model, *requests: Generate) -> Scheduler:
    scheduler = Scheduler(model, Load("test", "", "text_generation"))
    for request in requests:
        scheduler.accept(request)
    return scheduler


def read_tokens(model: Model, request: Generate) -> tuple[int, str]:
    """How many tokens were read for a request, and its answer."""
    read: list[int] = []
    compute = reader(model)._compute
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader(model), "_compute", lambda piece, past: read.append(len(piece)) or compute(piece, past))
        text = answer(model, request)[request.id][0]
    return sum(read), text


# ---- pieces ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READERS)
def test_a_long_prompt_is_read_while_another_stream_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(tiny(name), prefix_cache_mb=0)
    alone = {key: answer(model, ask(key, prompt, 30))[key][0] for key, prompt in ((1, "good"), (2, LONG))}
    monkeypatch.setattr(pieces, "PIECE_AMONG_OTHERS", 8)
    scheduler = scheduled(model, ask(1, "good", 30))
    frames = run(scheduler, iterations=2)
    scheduler.accept(ask(2, LONG, 30))
    reading = run(scheduler, iterations=4)
    assert text_of(reading, 1)
    assert not text_of(reading, 2)
    frames += reading + run(scheduler)
    assert {key: text_of(frames, key) for key in alone} == alone


@pytest.mark.parametrize("name", READERS)
def test_a_prompt_that_is_cancelled_while_it_is_read_leaves_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_ALONE", 8)
    model = load(tiny(name))
    scheduler = scheduled(model, ask(1, LONG))
    run(scheduler, iterations=2)
    assert reader(model)._filling
    scheduler.accept(Cancel(1))
    run(scheduler)
    assert not reader(model)._filling
    assert not scheduler.busy


# ---- prefixes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READERS)
def test_the_next_turn_reads_only_what_is_new(name: str) -> None:
    model = load(tiny(name))
    first, said = read_tokens(model, ask(1, LONG))
    longer = LONG + said + " and the rain"
    again, text = read_tokens(model, ask(2, longer))
    assert first > 50
    assert again < first / 2
    assert text == read_tokens(load(tiny(name), prefix_cache_mb=0), ask(2, longer))[1]


@pytest.mark.parametrize("name", READERS)
def test_a_turn_after_an_answer_among_others_reads_only_what_is_new(name: str) -> None:
    """Rows of different lengths leave one batch at different times."""
    model, fresh = load(tiny(name)), load(tiny(name), prefix_cache_mb=0)
    prompts = {1: LONG, 2: "tea or coffee " * 15, 3: "good"}
    said = answer(model, *(ask(key, prompt, 8 * key) for key, prompt in prompts.items()))
    for key in (1, 2):
        longer = prompts[key] + said[key][0] + " and the rain"
        read, text = read_tokens(model, ask(10 + key, longer))
        whole, expected = read_tokens(fresh, ask(10 + key, longer))
        assert read < whole / 2
        assert text == expected


@pytest.mark.parametrize("name", READERS)
def test_the_same_prompt_again_reads_one_token(name: str) -> None:
    model = load(tiny(name))
    first, said = read_tokens(model, ask(1, LONG))
    assert read_tokens(model, ask(2, LONG)) == (1, said)
    assert first > 50


@pytest.mark.parametrize("name", READERS)
def test_the_answer_says_how_much_of_its_prompt_was_kept(name: str) -> None:
    model = load(tiny(name))
    read, _ = read_tokens(model, ask(1, LONG))
    again = [ends(run(scheduled(model, ask(key, LONG))))[key] for key in (2, 3)]
    assert [outcome(end).cached_tokens for end in again] == [read - 1, read - 1]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", READERS)
def test_without_a_budget_nothing_is_kept(name: str) -> None:
    model = load(tiny(name), prefix_cache_mb=0)
    first, _ = read_tokens(model, ask(1, LONG))
    assert read_tokens(model, ask(2, LONG))[0] == first


def test_what_an_error_left_amid_a_step_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(tiny("gpt2"))
    expected = answer(load(tiny("gpt2")), ask(1, LONG))[1][0]
    generator = reader(model)
    second_layer = generator._model.transformer.h[1]  # type: ignore[attr-defined]
    scheduler = scheduled(model, ask(1, LONG))
    run(scheduler, iterations=3)
    with monkeypatch.context() as broken:
        broken.setattr(second_layer, "forward", lambda *_, **__: torch.zeros(-1))  # as where memory runs out
        run(scheduler, iterations=1)
    assert generator._prefixes.bytes == 0
    assert answer(model, ask(2, LONG))[2][0] == expected


def test_kept_pasts_stay_within_the_budget_and_the_longest_unused_go_first() -> None:
    kept: Prefixes[str] = Prefixes(budget=1000)
    for start in (0, 1000, 2000):
        kept.keep(list(range(start, start + 40)), 10, lambda start=start: f"from {start}")  # type: ignore[misc]
    assert kept.bytes == 800
    assert kept.find([*range(40), 7]) is None
    assert kept.find([*range(1000, 1040), 7]) == ("from 1000", 40)
    assert kept.find(list(range(1000, 1040))) == ("from 1000", 39)


def test_a_past_that_goes_on_takes_the_place_of_its_beginning() -> None:
    kept: Prefixes[str] = Prefixes(budget=1 << 20)
    kept.keep(list(range(40)), 10, lambda: "short")
    kept.keep(list(range(60)), 10, lambda: "long")
    assert kept.bytes == 600


def test_what_two_sequences_share() -> None:
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1, 2], [1, 2, 4]) == 2
    assert common([], [1]) == 0
