from __future__ import annotations

import sys

import pytest

from sidecar.runtime.outcome import WorkerOutcome


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-9, "killed, perhaps because memory ran out"),
        (-11, "killed by SIGSEGV"),
        (-63, "killed by signal 63"),
        (0xC0000005, "access violation"),
    ],
)
def test_an_end_is_described_in_words(returncode: int, words: str) -> None:
    assert str(WorkerOutcome(returncode)) == words


def test_only_status_zero_is_a_success() -> None:
    assert WorkerOutcome(0).successful
    assert not WorkerOutcome(1).successful


def test_the_end_of_stderr_is_a_sentence_or_nothing() -> None:
    assert WorkerOutcome(1, "  \n").stderr_sentence == ""
    assert WorkerOutcome(1, "Traceback\n").stderr_sentence == "It printed last: Traceback"
