"""Numbers as people read them."""

import time

import pytest

from app.figures import ago, duration, memory


@pytest.mark.parametrize(
    ("megabytes", "words"),
    [(0, "0 MB"), (820.4, "820 MB"), (1331, "1.3 GB"), (1000, "1 GB"), (2040, "2 GB"), (32_768, "32 GB")],
)
def test_memory_is_given_in_the_unit_that_fits(megabytes, words):
    assert memory(megabytes) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.21, "0.2 s"), (12.4, "12 s"), (180, "3 min"), (5400, "1.5 h")])
def test_durations_are_given_in_the_unit_that_fits(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(("age", "words"), [(5, "just now"), (130, "2 min ago")])
def test_times_are_told_as_people_tell_them(age, words):
    assert ago(time.time() - age) == words
