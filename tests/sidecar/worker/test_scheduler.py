"""The scheduler with the echo engine: what runs together, what ends, and who suffers from whose fault."""

from __future__ import annotations

import itertools
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.engines.base import Answer, Model
from sidecar.engines.echo import EchoEmbedder, EchoGenerator
from sidecar.runtime.protocol import (
    Cancel,
    Classify,
    Embed,
    Failed,
    Finished,
    Generate,
    Generated,
    Load,
    Step,
    Translate,
    Translated,
)
from sidecar.types import Sampling
from sidecar.worker.scheduler import Scheduler
from tests.helpers.models import echo_model
from tests.helpers.worker import drive, ends, load, outcome, run, text_of


@pytest.fixture
def echo(tmp_path: Path) -> Model:
    return load(echo_model(tmp_path / "echo"), engine="echo")


@pytest.fixture
def endless(tmp_path: Path) -> Model:
    return load(echo_model(tmp_path / "endless", repeat=0), engine="echo")


def scheduler_of(model: Model, **settings: int) -> Scheduler:
    ticks = itertools.count()
    return Scheduler(model, Load("test", "", "text_generation", **settings), clock=lambda: next(ticks))


def generate(request_id: int, text: str, **sampling: Any) -> Generate:
    return Generate(request_id, text, None, Sampling(**sampling))


def test_one_step_frame_carries_every_running_sequence(echo: Model) -> None:
    scheduler = scheduler_of(echo)
    scheduler.accept(generate(1, "a b c"))
    scheduler.accept(generate(2, "x y z"))
    steps = [frame for frame in run(scheduler) if isinstance(frame, Step)]
    assert [[(delta.id, delta.text) for delta in step.deltas] for step in steps[:2]] == [
        [(1, "a"), (2, "x")],
        [(1, " b"), (2, " y")],
    ]


def test_an_answer_ends_with_its_reason_and_counts(echo: Model) -> None:
    result = outcome(drive(echo, generate(1, "a b c"))[1])
    assert isinstance(result, Generated)
    assert (result.finish_reason, result.prompt_tokens, result.completion_tokens) == ("stop", 3, 4)


def test_no_more_than_max_sequences_run_and_the_next_joins_when_one_leaves(endless: Model) -> None:
    scheduler = scheduler_of(endless, max_sequences=2)
    for i in range(3):
        scheduler.accept(generate(i, "word", max_new_tokens=3 + i))
    running = []
    while scheduler.busy:
        scheduler.iterate()
        running.append(scheduler.stats(0).running)
    assert running == [2, 2, 2, 1, 1, 1, 0]


def test_a_cancelled_sequence_computes_nothing_more(endless: Model) -> None:
    scheduler = scheduler_of(endless)
    scheduler.accept(generate(1, "word"))
    run(scheduler, iterations=3)
    scheduler.accept(Cancel(1))
    frames = run(scheduler)
    result = outcome(ends(frames)[1])
    assert isinstance(result, Generated)
    assert (result.finish_reason, result.completion_tokens) == ("cancelled", 3)
    assert not any(isinstance(frame, Step) for frame in frames)
    assert not scheduler.busy


def test_a_waiting_request_can_be_cancelled(endless: Model) -> None:
    scheduler = scheduler_of(endless, max_sequences=1)
    scheduler.accept(generate(1, "word"))
    scheduler.accept(generate(2, "word"))
    run(scheduler, iterations=1)
    scheduler.accept(Cancel(2))
    assert outcome(ends(run(scheduler, iterations=1))[2]).finish_reason == "cancelled"  # type: ignore[union-attr]


@pytest.mark.parametrize("request_type", [Classify, Embed, Translate])
def test_a_cancelled_text_request_is_answered_with_cancelled(echo: Model, request_type: Any) -> None:
    scheduler = scheduler_of(echo, batch_tokens=128)
    scheduler.accept(request_type(1, ["many words here"] * 200))
    scheduler.accept(request_type(2, ["other"]))
    run(scheduler, iterations=1)
    scheduler.accept(Cancel(1))
    finished = ends(run(scheduler))
    assert isinstance(finished[1], Failed)
    assert finished[1].code == "cancelled"
    assert isinstance(finished[2], Finished)


def test_cancelling_what_is_not_there_does_nothing(echo: Model) -> None:
    scheduler = scheduler_of(echo)
    scheduler.accept(Cancel(99))
    assert not scheduler.busy


def test_a_sequence_that_fails_in_a_common_step_fails_alone(echo: Model, capfd: pytest.CaptureFixture[str]) -> None:
    scheduler = scheduler_of(echo)
    scheduler.accept(generate(1, "a b c d e"))
    scheduler.accept(generate(2, "a b [[error]] d"))
    scheduler.accept(generate(3, "x y z"))
    frames = run(scheduler)
    finished = ends(frames)
    assert isinstance(finished[2], Failed)
    assert finished[2].code == "inference_failed"
    assert (text_of(frames, 1), text_of(frames, 3)) == ("a b c d e", "x y z")
    assert "RuntimeError" in capfd.readouterr().err


def test_a_sequence_that_cannot_start_fails_alone(echo: Model) -> None:
    scheduler = scheduler_of(echo)
    scheduler.accept(generate(1, "[[out_of_memory]] a"))
    scheduler.accept(generate(2, "x y"))
    frames = run(scheduler)
    failed = ends(frames)[1]
    assert isinstance(failed, Failed)
    assert failed.code == "out_of_memory"
    assert text_of(frames, 2) == "x y"


class NarrowGenerator(EchoGenerator):
    """Runs out of memory with more than `room` sequences at once, and remembers how many were asked for."""

    def __init__(self, inner: EchoGenerator, room: int) -> None:
        super().__init__(inner._config)
        self.room = room
        self.asked: list[int] = []

    def step(self, answers: list[Answer]) -> list[int]:
        self.asked.append(len(answers))
        if len(answers) > self.room:
            raise MemoryError
        return super().step(answers)


def test_short_memory_makes_fewer_sequences_run_together_and_all_end_well(echo: Model) -> None:
    assert isinstance(echo.generator, EchoGenerator)
    narrow = NarrowGenerator(echo.generator, room=2)
    scheduler = scheduler_of(Model(echo.name, echo.facts, generator=narrow))
    for i in range(8):
        scheduler.accept(generate(i, f"a b c d {i}"))
    frames = run(scheduler)
    assert [text_of(frames, i) for i in range(8)] == [f"a b c d {i}" for i in range(8)]
    assert all(count <= 2 for count in narrow.asked[-5:])


class Scores:
    """What a batch takes in memory while it is computed."""


class NarrowReader(EchoEmbedder):
    """Runs out of memory with more than `room` texts at once, and holds nothing of a batch that failed when it is tried again."""

    def __init__(self, inner: EchoEmbedder, room: int) -> None:
        super().__init__(inner._config)
        self.room = room
        self.asked: list[int] = []
        self.held: weakref.WeakSet[Scores] = weakref.WeakSet()

    def forward(self, inputs: list[str]) -> list[str]:
        assert not self.held
        scores = Scores()
        self.held.add(scores)
        self.asked.append(len(inputs))
        if len(inputs) > self.room:
            raise RuntimeError("MPS backend out of memory")
        return super().forward(inputs)


@pytest.mark.parametrize(("room", "asked"), [(3, [8, 4, 2, 2, 4, 2, 2]), (8, [8])])
def test_short_memory_makes_batches_smaller(echo: Model, room: int, asked: list[int]) -> None:
    assert isinstance(echo.embedder, EchoEmbedder)
    narrow = NarrowReader(echo.embedder, room)
    model = Model(echo.name, echo.facts, embedder=narrow)
    assert isinstance(drive(model, Embed(1, ["one"] * 8))[1], Finished)
    assert narrow.asked == asked


def test_batches_stay_small_once_memory_was_short_and_what_fits_in_none_is_an_error(echo: Model) -> None:
    assert isinstance(echo.embedder, EchoEmbedder)
    narrow = NarrowReader(echo.embedder, 2)
    scheduler = scheduler_of(Model(echo.name, echo.facts, embedder=narrow), batch_tokens=8)
    scheduler.accept(Embed(1, ["one"] * 16))
    assert isinstance(ends(run(scheduler))[1], Finished)
    assert max(narrow.asked[-4:]) == 2
    narrow.room = 0
    scheduler.accept(Embed(2, ["one"]))
    failed = ends(run(scheduler))[2]
    assert isinstance(failed, Failed)
    assert failed.code == "out_of_memory"


@pytest.mark.parametrize("request_type", [Classify, Embed])
def test_a_text_that_fails_in_a_batch_fails_its_request_alone(echo: Model, request_type: Any) -> None:
    finished = drive(
        echo, request_type(1, ["a", "b"]), request_type(2, ["c", "[[error]]", "d"]), request_type(3, ["e"])
    )
    assert isinstance(finished[2], Failed)
    assert isinstance(finished[1], Finished)
    assert isinstance(finished[3], Finished)


def test_a_text_that_fails_in_a_translation_fails_its_request_alone(echo: Model) -> None:
    finished = drive(
        echo, Translate(1, ["a b"], None, "de"), Translate(2, ["c", "[[error]]", "d"]), Translate(3, ["e"])
    )
    assert isinstance(finished[2], Failed)
    assert outcome(finished[1]).texts == ["[de] a b"]  # type: ignore[union-attr]
    assert isinstance(finished[3], Finished)


def test_a_request_that_cannot_be_prepared_fails_alone(tmp_path: Path) -> None:
    model = load(echo_model(tmp_path / "small", context_length=4), engine="echo")
    finished = drive(model, generate(1, "a b c d e f"), generate(2, "a"))
    assert isinstance(finished[1], Failed)
    assert finished[1].code == "context_exceeded"
    assert isinstance(finished[2], Finished)


def test_what_a_model_cannot_do_is_unsupported(echo: Model) -> None:
    failed = drive(Model("chatty", echo.facts, generator=echo.generator), Embed(1, ["a"]))[1]
    assert isinstance(failed, Failed)
    assert failed.code == "unsupported"
    assert "chatty" in failed.message


def test_translations_come_back_in_order_with_counts(echo: Model) -> None:
    result = outcome(drive(echo, Translate(1, ["one", "two words", "three more words"], "en", "fr"), batch_tokens=5)[1])
    assert isinstance(result, Translated)
    assert result.texts == ["[fr] one", "[fr] two words", "[fr] three more words"]
    assert (result.prompt_tokens, result.completion_tokens) == (9, 12)


class ClosedGenerator(NarrowGenerator):
    """Computes what was started together apart from everything else."""

    joins = False


def counting(echo: Model, kind: type[NarrowGenerator]) -> tuple[Model, list[int]]:
    """The model with a generator of this kind, and how many sequences each of its steps has."""
    assert isinstance(echo.generator, EchoGenerator)
    generator = kind(echo.generator, room=10**6)
    return replace(echo, generator=generator), generator.asked


@pytest.mark.parametrize(("kind", "order"), [(NarrowGenerator, [2, 1]), (ClosedGenerator, [1, 2])])
def test_a_sentence_waits_for_the_end_of_a_long_one_only_where_it_cannot_join(
    echo: Model, kind: type[NarrowGenerator], order: list[int]
) -> None:
    scheduler = scheduler_of(counting(echo, kind)[0], batch_tokens=60)
    scheduler.accept(Translate(1, [" ".join(["word"] * 50)], None, "de"))
    frames = [frame for _ in range(3) for frame in scheduler.iterate()]
    scheduler.accept(Translate(2, ["word"], None, "de"))
    assert list(ends(frames + run(scheduler))) == order


def test_a_translation_that_runs_is_filled_up_with_texts_that_wait(echo: Model) -> None:
    texts = [" ".join(["word"] * (1 + number % 12)) for number in range(60)]
    steps = []
    for kind in (NarrowGenerator, ClosedGenerator):
        model, asked = counting(echo, kind)
        result = outcome(drive(model, Translate(1, texts, None, "de"), batch_tokens=80)[1])
        assert isinstance(result, Translated)
        assert result.texts == [f"[de] {text}" for text in texts]
        steps.append(len(asked))
    assert steps[0] < steps[1]


def test_generation_goes_on_while_texts_are_read(echo: Model) -> None:
    scheduler = scheduler_of(echo, batch_tokens=128)
    scheduler.accept(generate(1, "a b c"))
    scheduler.accept(Embed(2, ["some words"] * 1000))
    frames = run(scheduler)
    order = [type(frame).__name__ for frame in frames if not isinstance(frame, Step)]
    assert [frame.id for frame in frames if isinstance(frame, Finished)] == [1, 2], order


def test_requests_of_one_kind_that_arrive_together_are_read_in_one_batch(echo: Model) -> None:
    scheduler = scheduler_of(echo)
    for i in range(32):
        scheduler.accept(Classify(i, ["a few words"]))
    assert len(ends(scheduler.iterate())) == 32


def test_who_comes_first_does_not_wait_and_all_who_come_meanwhile_are_the_next_batch(echo: Model) -> None:
    scheduler = scheduler_of(echo)
    scheduler.accept(Classify(0, ["a few words"]))
    assert list(ends(scheduler.iterate())) == [0]
    for i in range(1, 32):
        scheduler.accept(Classify(i, ["a few words"]))
    assert len(ends(scheduler.iterate())) == 31


def test_what_was_computed_as_padding_is_told(echo: Model) -> None:
    scheduler = scheduler_of(echo)
    scheduler.accept(Embed(1, ["one two three four", "one"]))
    scheduler.accept(Embed(2, ["one two"]))
    frames = run(scheduler)
    assert [outcome(ends(frames)[key]).padding for key in (1, 2)] == [3, 2]  # type: ignore[union-attr]


def test_every_request_has_one_end_and_the_scheduler_comes_to_rest(echo: Model) -> None:
    scheduler = scheduler_of(echo, max_sequences=3)
    kinds = [lambda i: generate(i, "a b"), lambda i: Embed(i, ["a"]), lambda i: Translate(i, ["a", "b"])]
    for i in range(30):
        scheduler.accept(kinds[i % 3](i))
        if i % 4 == 0:
            scheduler.accept(Cancel(i - 2))
    frames = run(scheduler)
    finished = [frame.id for frame in frames if isinstance(frame, Finished | Failed)]
    assert sorted(finished) == list(range(30))
    assert not scheduler.busy


def test_stats_count_steps_and_requests(endless: Model) -> None:
    scheduler = scheduler_of(endless, max_sequences=1)
    scheduler.accept(generate(1, "word"))
    scheduler.accept(generate(2, "word"))
    run(scheduler, iterations=5)
    stats = scheduler.stats(123)
    assert (stats.running, stats.waiting, stats.steps, stats.memory_bytes) == (1, 1, 5, 123)


def test_times_are_told_in_milliseconds(endless: Model) -> None:
    scheduler = scheduler_of(endless, max_sequences=1)
    scheduler.accept(generate(1, "word", max_new_tokens=3))
    scheduler.accept(generate(2, "word", max_new_tokens=3))
    finished = ends(run(scheduler))
    first, second = outcome(finished[1]), outcome(finished[2])
    assert second.queue_ms > first.queue_ms > 0
    assert second.prefill_ms > 0  # type: ignore[union-attr]
    assert second.decode_ms > 0  # type: ignore[union-attr]


def test_the_scheduler_and_the_echo_engine_load_no_engine_library() -> None:
    code = (
        "import sys, sidecar.worker.main, sidecar.engines.echo;"
        "sys.exit(str(sorted({'torch', 'transformers', 'aiohttp', 'typer'} & set(sys.modules)) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
