"""One window per data folder."""

import pytest

from app.single_instance import SingleInstance, server_name
from sidecar.paths import Paths


@pytest.fixture
def first(paths, qapp):
    instance = SingleInstance(paths)
    assert instance.claim()
    yield instance
    instance.release()


def test_a_second_start_is_not_the_first(first, paths):
    assert not SingleInstance(paths).claim()


def test_a_second_start_raises_the_window_of_the_first(first, paths, qtbot):
    with qtbot.waitSignal(first.raise_wanted):
        assert SingleInstance(paths).raise_first()


def test_another_data_folder_has_a_window_of_its_own(first, tmp_path):
    other = Paths.in_folder(tmp_path / "other")
    other.create()
    instance = SingleInstance(other)
    assert instance.claim()
    instance.release()


def test_the_next_start_after_the_end_is_the_first(paths, qapp):
    instance = SingleInstance(paths)
    assert instance.claim()
    instance.release()
    again = SingleInstance(paths)
    assert again.claim()
    again.release()


def test_raising_a_window_that_is_not_there_fails(paths, qapp):
    assert not SingleInstance(paths).raise_first()


def test_a_deep_folder_still_has_a_short_name(tmp_path):
    assert len(server_name(Paths.in_folder(tmp_path / ("x" * 200)))) < 40
