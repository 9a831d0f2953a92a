"""Design tokens: colours of one theme and the sizes both share, read from resources/themes. No Qt here."""

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal

from app.colours import mix, readable

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
THEMES = RESOURCES / "themes"

ThemeName = Literal["light", "dark"]
Size = Literal["tiny", "small", "control", "base", "lead", "title", "figure", "welcome"]


@dataclass(frozen=True)
class Tokens:
    """Colours of one theme as "#RRGGBB".

    The first block is the table of the theme file. The second is derived from it:
    `*_soft` fills badges and banners; `*_text` is the same hue made readable (4.5:1) on its soft fill and on every
    ground; `accent_fill` is the accent made dark (or light) enough to carry `on_accent` text, so buttons use it.
    """

    name: str
    background: str
    surface: str
    rail: str
    raised: str
    line: str
    selected: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_soft: str
    on_accent: str
    ok: str
    warning: str
    bad: str
    code: str

    accent_fill: str
    accent_hover: str
    accent_pressed: str
    accent_text: str
    ok_soft: str
    ok_text: str
    warning_soft: str
    warning_text: str
    bad_soft: str
    bad_text: str
    bar_muted: str
    hover: str
    focus: str

    def colour(self, role: str) -> str:
        """The colour of a token by name. Raises KeyError for an unknown name, so that a typo shows at once."""
        if role not in COLOUR_ROLES:
            raise KeyError(f"no colour token is called {role!r}")
        return str(getattr(self, role))


COLOUR_ROLES = frozenset(field.name for field in fields(Tokens)) - {"name"}


@dataclass(frozen=True)
class Metrics:
    """Sizes in logical pixels, and font weights."""

    spacing: dict[str, int]
    radii: dict[str, int]
    type: dict[str, float]
    weights: dict[str, int]


@cache
def load_tokens(name: ThemeName) -> Tokens:
    """Read `resources/themes/<name>.toml`. Raises OSError, tomllib.TOMLDecodeError or TypeError for a broken file."""
    table = tomllib.loads((THEMES / f"{name}.toml").read_text(encoding="utf-8"))
    colours = table["colours"]
    return Tokens(name=table["name"], **colours, **_derived(colours))


@cache
def load_metrics() -> Metrics:
    """Read `resources/themes/metrics.toml`."""
    return Metrics(**tomllib.loads((THEMES / "metrics.toml").read_text(encoding="utf-8")))


def _derived(colours: dict[str, str]) -> dict[str, str]:
    surface = colours["surface"]
    # The fill darkens under light text and lightens under dark text, whichever the theme's on-accent asks for.
    away = "#000000" if colours["on_accent"] == "#FFFFFF" else "#FFFFFF"
    fill = readable(colours["accent"], colours["on_accent"], away)
    derived = {
        "accent_fill": fill,
        "accent_hover": mix(away, fill, 0.08),
        "accent_pressed": mix(away, fill, 0.16),
        "accent_text": _readable_text(colours["accent"], colours["accent_soft"], colours),
        "bar_muted": mix(colours["faint"], colours["selected"], 0.5),
        "hover": mix(colours["selected"], surface, 0.6),
        "focus": mix(colours["accent"], surface, 0.75),
    }
    for status in ("ok", "warning", "bad"):
        soft = mix(colours[status], surface, 0.12)
        derived[f"{status}_soft"] = soft
        derived[f"{status}_text"] = _readable_text(colours[status], soft, colours)
    return derived


def _readable_text(colour: str, soft: str, colours: dict[str, str]) -> str:
    for ground in (soft, colours["background"], colours["rail"], colours["selected"], colours["raised"]):
        colour = readable(colour, ground, colours["text"])
    return colour
