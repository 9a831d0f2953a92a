"""Colour arithmetic."""

import pytest

from app.colours import channels, contrast, mix, readable


def test_black_on_white_has_the_greatest_contrast():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


def test_contrast_does_not_depend_on_the_order():
    assert contrast("#C8551B", "#FAF9F7") == contrast("#FAF9F7", "#C8551B")


def test_half_of_white_over_black_is_grey():
    assert mix("#FFFFFF", "#000000", 0.5) == "#808080"


def test_a_colour_that_is_readable_already_stays():
    assert readable("#1F1D1A", "#FFFFFF", toward="#000000") == "#1F1D1A"


def test_a_pale_colour_is_moved_until_it_can_be_read():
    moved = readable("#E0B054", "#FFFFFF", toward="#000000")
    assert 4.5 <= contrast(moved, "#FFFFFF") < 5.5


@pytest.mark.parametrize("wrong", ["red", "#FFF", "#GGGGGG", ""])
def test_what_is_not_a_colour_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011  int() and our own message both say it
        channels(wrong)
