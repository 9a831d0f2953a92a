"""Tinted icons."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage
from PySide6.QtWidgets import QPushButton

from app import icons
from app.icons import ICONS
from app.theme import theme

LUCIDE = sorted(
    path.stem for path in ICONS.glob("*.svg") if path.stem != "inglenook" and not path.stem.startswith("tray")
)


@pytest.fixture(autouse=True)
def _light_again():
    yield
    theme.set_mode("light")


def strongest(image: QImage) -> QColor:
    """The colour of the most opaque pixel."""
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return max(pixels, key=QColor.alpha)


@pytest.mark.parametrize("name", LUCIDE)
def test_every_icon_draws_in_the_wanted_colour(name):
    drawn = strongest(icons.pixmap(name, "#C8551B", 32).toImage())
    assert drawn.alpha() > 150
    assert drawn.red() > 150
    assert drawn.blue() < 90


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0, 3.0])
def test_a_pixmap_has_the_pixels_of_its_screen(ratio):
    pixmap = icons.pixmap("cpu", "#000000", 16, ratio)
    assert pixmap.width() == round(16 * ratio)
    assert pixmap.devicePixelRatio() == ratio


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_an_icon_is_sharp_at_every_ratio(ratio):
    drawn = theme.icon("square", "text").pixmap(QSize(16, 16), ratio).toImage()
    direct = icons.pixmap("square", theme.tokens.text, 16, ratio).toImage()
    assert drawn.size() == direct.size() == QSize(16, 16) * ratio
    assert drawn.convertToFormat(QImage.Format.Format_ARGB32) == direct.convertToFormat(QImage.Format.Format_ARGB32)


def test_the_same_pixmap_is_drawn_once():
    assert icons.pixmap("cpu", "#123456", 16).cacheKey() == icons.pixmap("cpu", "#123456", 16).cacheKey()


def test_an_icon_on_a_button_follows_the_theme(qtbot):
    button = QPushButton()
    button.setIcon(theme.icon("square", "text"))
    qtbot.addWidget(button)
    light = strongest(button.icon().pixmap(16, 16).toImage())
    theme.set_mode("dark")
    dark = strongest(button.icon().pixmap(16, 16).toImage())
    assert light.lightness() < 80
    assert dark.lightness() > 180


def test_a_disabled_icon_is_faint():
    icon = theme.icon("square", "accent")
    drawn = strongest(icon.pixmap(QSize(32, 32), QIcon.Mode.Disabled).toImage())
    assert abs(drawn.red() - QColor(theme.tokens.faint).red()) < 12


def test_an_unknown_icon_is_an_error_where_it_is_named():
    with pytest.raises(FileNotFoundError):
        theme.icon("no-such-icon")
