from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.runtime.correction import UNTRIED, correction

ratios = st.lists(st.floats(0.01, 100), min_size=1, max_size=15)


@given(ratios, st.lists(ratios, max_size=5))
def test_the_factor_lies_among_the_ratios_and_the_range_is_in_order(own: list[float], kin: list[list[float]]) -> None:
    learned = correction("step", own, kin)
    assert min(own) * 0.999 <= learned.factor <= max(own) * 1.001
    value = learned.of(3.0)
    assert 0 < value.low < value.expected < value.high


def test_without_any_run_the_arithmetic_stands() -> None:
    assert correction("step", [], []) == UNTRIED["step"]
    assert correction("step", [], [[]]).factor == 1.0


def test_one_run_on_a_busy_machine_moves_nothing() -> None:
    assert correction("step", [1.0, 1.02, 0.99, 8.0, 1.01], []).factor == pytest.approx(1.01)


def test_runs_that_agree_narrow_the_range_step_by_step() -> None:
    spreads = [correction("load", [1.3] * count, []).spread for count in range(6)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[5] < spreads[0] / 2


def test_runs_that_disagree_keep_it_wide() -> None:
    assert correction("step", [0.5, 1.0, 2.0, 0.6, 1.9], []).spread > 3 * correction("step", [1.0] * 5, []).spread


def test_the_models_own_runs_count_more_than_its_kins() -> None:
    assert correction("step", [2.0], [[0.5], [0.5]]).factor == pytest.approx(2.0)


def test_kin_teach_a_model_that_never_ran_and_more_of_them_more() -> None:
    one, three = correction("step", [], [[2.0]]), correction("step", [], [[2.0], [2.0, 2.0], [2.0]])
    assert 1 < one.factor < three.factor < 2
    assert one.runs == three.runs == 0
    assert three.factor == pytest.approx(math.exp(0.75 * math.log(2)))
