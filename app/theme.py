"""The current theme: tokens, fonts, icons, palette and style sheet, light or dark or as the system says.

`theme` is the one instance. `theme.install(app)` runs once at start; widgets read `theme.tokens` when they paint.
Does not know any widget of ours.
"""

from collections.abc import Callable
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from app import icons
from app.tokens import RESOURCES, THEMES, Metrics, Size, ThemeName, Tokens, load_metrics, load_tokens

Mode = Literal["light", "dark", "system"]
TEXT_FAMILY = "Inter"
CODE_FAMILY = "JetBrains Mono"
SHEET_ICONS = {"chevron-down": "muted", "chevron-up": "muted", "check": "on_accent", "minus": "on_accent"}

_SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}


class Theme(QObject):
    """Tokens, fonts and icons of the theme in force.

    Signals:
        changed: the colours are different now; palette and style sheet are already applied.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._app: QApplication | None = None
        self._mode: Mode = "system"
        self.tokens: Tokens = load_tokens("light")
        self.metrics: Metrics = load_metrics()
        self._sheet_icons: TemporaryDirectory[str] | None = None  # goes with the process; Qt's own would stay
        icons.set_palette_source(lambda role: self.tokens.colour(role))

    @property
    def mode(self) -> Mode:
        """What was asked for; `tokens.name` says what it came to."""
        return self._mode

    def install(self, app: QApplication, mode: Mode = "system") -> None:
        """Give `app` our fonts, style and colours, and follow the system's colour scheme from now on."""
        self._app = app
        load_fonts()
        app.setStyle("Fusion")
        app.setFont(self.font())
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._mode = mode
        self._ask_platform()
        self._apply(self._wanted())

    def set_mode(self, mode: Mode) -> None:
        """Switch between light, dark and the system's choice at any time."""
        if mode == self._mode:
            return
        self._mode = mode
        self._ask_platform()
        self._follow_system()

    def font(self, size: Size = "base", weight: str = "normal", *, tabular: bool = False, mono: bool = False) -> QFont:
        """A font of the type scale; `tabular` gives digits of equal width, for numbers that change in place."""
        font = QFont(CODE_FAMILY if mono else TEXT_FAMILY)
        font.setPointSizeF(self.metrics.type[size] * 72 / _logical_dpi())
        font.setWeight(QFont.Weight(self.metrics.weights[weight]))
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)  # even spacing at fractional sizes
        font.setStyleHint(QFont.StyleHint.Monospace if mono else QFont.StyleHint.SansSerif)
        if mono:
            font.setFeature(QFont.Tag("calt"), 0)  # code is shown as typed: no ligatures
        if tabular:
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def colour(self, role: str) -> QColor:
        """A token as QColor. Raises KeyError for an unknown token."""
        return QColor(self.tokens.colour(role))

    def icon(self, name: str, role: str = "muted", on_role: str | None = None) -> QIcon:
        """A Lucide icon in a token's colour; `on_role` is the colour while a checkable button is checked.

        It follows theme changes by itself. Raises FileNotFoundError for an unknown icon.
        """
        return QIcon(icons.TintedIconEngine(name, role, on_role or role))

    def pixmap(self, name: str, role: str, size: int, ratio: float = 1.0) -> QPixmap:
        """A Lucide icon as a pixmap of `size` logical pixels, in the colours of this moment."""
        return icons.pixmap(name, self.tokens.colour(role), size, ratio)

    def app_icon(self, variant: str = "inglenook") -> QIcon:
        """The application's own icon: inglenook, tray-ready, tray-busy or tray-stopped."""
        return QIcon(str(RESOURCES / "icons" / f"{variant}.svg"))

    def _wanted(self) -> ThemeName:
        if self._mode != "system":
            return self._mode
        return "dark" if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"

    def _ask_platform(self) -> None:
        # Title bars and native dialogs follow this; Unknown hands the choice back to the system.
        QGuiApplication.styleHints().setColorScheme(_SCHEMES[self._mode])

    def _follow_system(self) -> None:
        wanted = self._wanted()
        if wanted != self.tokens.name:
            self._apply(wanted)

    def _apply(self, name: ThemeName) -> None:
        self.tokens = load_tokens(name)
        icons.clear_cache()
        if self._app is not None:
            self._app.setPalette(build_palette(self.tokens))
            # From one sheet to another Qt takes five times as long as by way of none; labels lose their own margins so.
            self._app.setStyleSheet("")
            self._app.setStyleSheet(build_style_sheet(self.tokens, self.metrics, self._sheet_icon))
        self.changed.emit()

    def _sheet_icon(self, name: str, role: str) -> str:
        """A style sheet can only name a file, so its few icons are written out tinted; returns the path."""
        if self._sheet_icons is None:
            self._sheet_icons = TemporaryDirectory(prefix="inglenook-icons-", ignore_cleanup_errors=True)
        path = Path(self._sheet_icons.name) / f"{name}-{self.tokens.name}.svg"
        path.write_bytes(icons.tinted_svg(name, self.tokens.colour(role)))
        return path.as_posix()


def load_fonts() -> None:
    """Register the fonts in resources/fonts. Raises FileNotFoundError when one cannot be read."""
    for path in sorted((RESOURCES / "fonts").glob("*.ttf")):
        if QFontDatabase.addApplicationFont(str(path)) == -1:
            raise FileNotFoundError(f"the font {path} is missing or damaged; install Inglenook again")


def build_palette(tokens: Tokens) -> QPalette:
    """The QPalette that Fusion and anything outside the style sheet paints with."""
    role = QPalette.ColorRole
    plain = {
        role.Window: tokens.background, role.WindowText: tokens.text, role.Base: tokens.surface, role.Text: tokens.text,
        role.AlternateBase: tokens.background, role.Button: tokens.raised, role.ButtonText: tokens.text,
        role.ToolTipBase: tokens.text, role.ToolTipText: tokens.background, role.PlaceholderText: tokens.muted,
        role.BrightText: tokens.bad, role.Link: tokens.accent_text, role.LinkVisited: tokens.accent_text,
        role.Highlight: tokens.accent_soft, role.HighlightedText: tokens.text, role.Accent: tokens.accent,
        role.Light: tokens.raised, role.Midlight: tokens.selected, role.Mid: tokens.line, role.Dark: tokens.faint,
        role.Shadow: tokens.line,
    }  # fmt: skip
    palette = QPalette()
    for colour_role, colour in plain.items():
        palette.setColor(colour_role, QColor(colour))
    for colour_role in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(tokens.faint))
    return palette


def build_style_sheet(tokens: Tokens, metrics: Metrics, icon_path: Callable[[str, str], str]) -> str:
    """Fill resources/themes/style.qss; raises KeyError when it names a token that does not exist."""
    values: dict[str, object] = dict(vars(tokens))
    values |= {f"space_{key}": value for key, value in metrics.spacing.items()}
    values |= {f"radius_{key}": value for key, value in metrics.radii.items()}
    values |= {f"icon_{key.replace('-', '_')}": icon_path(key, role) for key, role in SHEET_ICONS.items()}
    return Template((THEMES / "style.qss").read_text(encoding="utf-8")).substitute(values)


def _logical_dpi() -> float:
    screen = QGuiApplication.primaryScreen()
    return screen.logicalDotsPerInch() if screen else 96.0


theme = Theme()
