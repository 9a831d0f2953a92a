"""Text goes up at the pace of readers, whatever the pace of the model."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from sidecar.runtime.protocol import Delta, Failed, Finished, Generated, Stats, Step, Up
from sidecar.worker.pacing import PIECE_EVERY_S, STRAGGLER_S, Pacing

OUTCOME = Generated("stop", 1, 1, 0.0, 0.0, 0.0)
STATS = Stats(0, 0, 0, 0)
Send = Callable[[list[Up]], None]


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def up() -> list[list[Up]]:
    return []


@pytest.fixture
def send(up: list[list[Up]], time: Time) -> Send:
    return Pacing(up.append, time).send


def test_the_first_piece_goes_at_once_and_the_next_with_those_that_waited(
    send: Send, up: list[list[Up]], time: Time
) -> None:
    send([Step([Delta(1, "a", 1)])])
    send([Step([Delta(1, "b", 2)])])
    assert up == [[Step([Delta(1, "a", 1)])]]

    time.now += PIECE_EVERY_S
    send([Step([Delta(1, "c", 3)])])

    assert up[1:] == [[Step([Delta(1, "bc", 3)])]]


def test_a_slow_answer_is_not_held_back(send: Send, up: list[list[Up]], time: Time) -> None:
    steps: list[Up] = [Step([Delta(1, str(number), number)]) for number in range(1, 4)]
    for step in steps:
        send([step])
        time.now += PIECE_EVERY_S
    assert up == [[step] for step in steps]


@pytest.mark.parametrize("end", [Finished(1, OUTCOME), Failed(1, "code", "message")])
def test_the_end_takes_along_what_was_held_back(end: Up, send: Send, up: list[list[Up]]) -> None:
    send([Step([Delta(1, "a", 1), Delta(2, "x", 1)])])
    send([Step([Delta(1, "b", 2), Delta(2, "y", 2)])])
    send([Step([Delta(1, "c", 3)]), end])
    assert up[1:] == [[Step([Delta(1, "bc", 3)]), end]]


def test_a_new_answer_of_the_same_number_begins_anew(send: Send, up: list[list[Up]]) -> None:
    send([Step([Delta(1, "a", 1)]), Finished(1, OUTCOME)])
    send([Step([Delta(1, "b", 1)])])
    assert up[1:] == [[Step([Delta(1, "b", 1)])]]


def test_an_empty_piece_does_not_delay_the_first_text(send: Send, up: list[list[Up]]) -> None:
    send([Step([Delta(1, "", 1)])])
    send([Step([Delta(1, "é", 2)])])
    assert up == [[Step([Delta(1, "", 1)])], [Step([Delta(1, "é", 2)])]]


def test_other_frames_pass_at_once_and_take_along_what_is_overdue(send: Send, up: list[list[Up]], time: Time) -> None:
    send([Step([Delta(1, "a", 1)])])
    send([Step([Delta(1, "b", 2)])])
    send([STATS])
    assert up[1:] == [[STATS]]

    time.now += PIECE_EVERY_S
    send([])

    assert up[2:] == [[Step([Delta(1, "b", 2)])]]


def test_what_one_step_gave_to_several_answers_goes_up_together(send: Send, up: list[list[Up]], time: Time) -> None:
    for one in (1, 2, 3):
        send([Step([Delta(one, "a", 1)])])
    time.now += PIECE_EVERY_S
    for one in (3, 1, 2):
        send([Step([Delta(one, "b", 2)])])
    assert up[3:] == [[Step([Delta(3, "b", 2), Delta(1, "b", 2), Delta(2, "b", 2)])]]


@pytest.mark.parametrize(("answers", "seconds"), [(1, 0.04), (4, 0.04), (8, 0.08), (12, 0.12), (32, 0.125)])
def test_the_more_answers_run_the_rarer_their_pieces(
    answers: int, seconds: float, send: Send, up: list[list[Up]], time: Time
) -> None:
    send([Step([Delta(one, "a", 1) for one in range(answers)])])
    time.now += seconds - 0.001
    send([Step([Delta(one, "b", 2) for one in range(answers)])])
    assert not up[1:]

    time.now += 0.001
    send([])

    assert up[1:] == [[Step([Delta(one, "b", 2) for one in range(answers)])]]


def test_pieces_come_quicker_again_once_others_ended(send: Send, up: list[list[Up]], time: Time) -> None:
    ends: list[Up] = [Finished(one, OUTCOME) for one in range(1, 8)]
    send([Step([Delta(one, "a", 1) for one in range(8)])])
    send(ends)
    time.now += PIECE_EVERY_S
    send([Step([Delta(0, "b", 2)])])
    assert up[2:] == [[Step([Delta(0, "b", 2)])]]


def test_an_answer_that_gains_nothing_holds_up_no_other(send: Send, up: list[list[Up]], time: Time) -> None:
    send([Step([Delta(1, "a", 1), Delta(2, "a", 1)])])
    time.now += PIECE_EVERY_S
    send([Step([Delta(1, "b", 2)])])
    assert not up[1:]

    time.now += STRAGGLER_S
    send([STATS])

    assert up[1:] == [[STATS, Step([Delta(1, "b", 2)])]]


def test_an_answer_that_ended_is_not_waited_for(send: Send, up: list[list[Up]], time: Time) -> None:
    send([Step([Delta(1, "a", 1), Delta(2, "a", 1)])])
    time.now += PIECE_EVERY_S
    send([Step([Delta(1, "b", 2)])])
    send([Finished(2, OUTCOME)])
    assert up[1:] == [[Finished(2, OUTCOME), Step([Delta(1, "b", 2)])]]


def test_nothing_is_sent_where_there_is_nothing(send: Send, up: list[list[Up]]) -> None:
    send([])
    assert not up


def test_threads_lose_nothing_and_keep_the_order() -> None:
    up: list[Up] = []
    pacing = Pacing(up.extend)

    def answer(request_id: int) -> None:
        draw = random.Random(request_id)
        for tokens in range(1, 301):
            pacing.send([Step([Delta(request_id, f"{tokens} ", tokens)])])
            if draw.random() < 0.02:
                pacing.send([STATS])
        pacing.send([Finished(request_id, OUTCOME)])

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for number in range(4):
        pieces = [delta for frame in up if isinstance(frame, Step) for delta in frame.deltas if delta.id == number]
        assert "".join(piece.text for piece in pieces).split() == [str(token) for token in range(1, 301)]
        assert pieces[-1].tokens == 300
        ends = [index for index, frame in enumerate(up) if isinstance(frame, Finished) and frame.id == number]
        texts = [
            index
            for index, frame in enumerate(up)
            if isinstance(frame, Step) and any(d.id == number for d in frame.deltas)
        ]
        assert max(texts) < ends[0]
