"""Lucide icons from resources/icons, drawn in a theme colour at any device pixel ratio.

An icon reads its colour when it is painted, so icons already set on widgets follow a theme change by themselves.
Does not decide which theme is current: `set_palette_source` is told by app/theme.py.
"""

from collections.abc import Callable
from functools import cache

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.tokens import RESOURCES

ICONS = RESOURCES / "icons"
STROKE = "1.75"  # a little finer than Lucide's 2: at 16 to 18 px it matches the weight of the text beside it

_colour_of: Callable[[str], str] = lambda role: "#808080"  # noqa: E731  replaced by the theme when it starts
_pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}


def set_palette_source(colour_of: Callable[[str], str]) -> None:
    """Say which function turns a token name into "#RRGGBB" from now on."""
    global _colour_of
    _colour_of = colour_of


@cache
def svg_source(name: str) -> str:
    """The SVG text of an icon. Raises FileNotFoundError for a name that resources/icons does not hold."""
    return (ICONS / f"{name}.svg").read_text(encoding="utf-8")


def tinted_svg(name: str, colour: str) -> bytes:
    """The icon's SVG with its strokes in `colour`."""
    return (
        svg_source(name)
        .replace("currentColor", colour)
        .replace('stroke-width="2"', f'stroke-width="{STROKE}"')
        .encode()
    )


def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """A square pixmap of `size` logical pixels at device pixel ratio `ratio`; cached."""
    key = (name, colour, size, ratio)
    if key not in _pixmaps:
        _pixmaps[key] = _render(name, colour, size, ratio)
    return _pixmaps[key]


def clear_cache() -> None:
    """Forget rendered pixmaps; the theme calls it when colours change."""
    _pixmaps.clear()


def _render(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    image = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(tinted_svg(name, colour)).render(painter)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


class TintedIconEngine(QIconEngine):
    """Paints one Lucide icon in a token's colour; `on_role` is used for the checked state, faint when disabled."""

    def __init__(self, name: str, role: str, on_role: str) -> None:
        super().__init__()
        svg_source(name)  # fail where the icon is named, not where it is painted
        self._name, self._role, self._on_role = name, role, on_role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        # A rectangle wider than tall asks for a gap after the icon: buttons use it to hold icon and text apart.
        side = min(rect.width(), rect.height())
        ratio = painter.device().devicePixelRatio()
        top = rect.y() + (rect.height() - side) / 2
        painter.drawPixmap(QPointF(rect.x(), top), pixmap(self._name, self._colour(mode, state), side, ratio))

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        image = QPixmap(size * scale)
        image.setDevicePixelRatio(scale)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return image

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def clone(self) -> QIconEngine:
        return TintedIconEngine(self._name, self._role, self._on_role)

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        if mode == QIcon.Mode.Disabled:
            return _colour_of("faint")
        return _colour_of(self._on_role if state == QIcon.State.On else self._role)
