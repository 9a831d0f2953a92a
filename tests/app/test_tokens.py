"""The design tokens: as the table says, and readable."""

import pytest

from app.colours import contrast
from app.tokens import load_metrics, load_tokens

GROUNDS = ("background", "surface", "rail", "raised", "selected", "accent_soft", "code", "hover")
STATUSES = ("ok", "warning", "bad")


@pytest.fixture(params=["light", "dark"])
def tokens(request):
    return load_tokens(request.param)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("role", ["text", "muted", "accent_text"])
def test_text_is_readable_on_every_ground(tokens, role, ground):
    assert contrast(tokens.colour(role), tokens.colour(ground)) >= 4.5


@pytest.mark.parametrize("fill", ["accent_fill", "accent_hover", "accent_pressed"])
def test_text_is_readable_on_primary_buttons(tokens, fill):
    assert contrast(tokens.on_accent, tokens.colour(fill)) >= 4.5


@pytest.mark.parametrize("status", STATUSES)
def test_status_text_is_readable_on_its_badge(tokens, status):
    assert contrast(tokens.colour(f"{status}_text"), tokens.colour(f"{status}_soft")) >= 4.5


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("ground", ["background", "surface", "rail", "raised", "code"])
def test_status_text_is_readable_on_plain_grounds(tokens, status, ground):
    assert contrast(tokens.colour(f"{status}_text"), tokens.colour(ground)) >= 4.5


def test_the_light_accent_is_the_one_of_the_design():
    assert load_tokens("light").accent == "#C8551B"


def test_the_accent_fill_looks_like_the_accent():
    tokens = load_tokens("light")
    assert contrast(tokens.accent_fill, tokens.accent) < 1.1


def test_an_unknown_token_is_an_error(tokens):
    with pytest.raises(KeyError, match="acent"):
        tokens.colour("acent")


def test_sizes_stand_on_the_grid_of_four():
    spacing = load_metrics().spacing
    odd = {name for name, size in spacing.items() if name != "control_height" and size % spacing["grid"]}
    assert odd == set()
