"""How the next token is chosen: the parameters in plain words, and named sets of them. Pure; knows no widget.

A chat's sampling is a dict that holds only what the person set (`Values`); everything else is the model's default.
"""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

Values = dict[str, float | int | str | list[str]]

PRESETS: dict[str, Values] = {
    "default": {},
    "precise": {"temperature": 0.2, "top_p": 0.9},
    "balanced": {"temperature": 0.7, "top_p": 0.95},
    "creative": {"temperature": 1.0, "top_p": 0.98, "min_p": 0.05},
}
PRESET_KEYS = frozenset({"temperature", "top_p", "top_k", "min_p", "repetition_penalty"})


@dataclass(frozen=True)
class Parameter:
    """One number of the drawer; `usual` is what the service uses when neither chat nor model says anything."""

    key: str
    label: str
    explanation: str
    minimum: float
    maximum: float
    step: float
    usual: float
    slider: bool = True

    @property
    def decimals(self) -> int:
        """Digits after the point; 0 means a whole number."""
        return 0 if self.step == int(self.step) else 2

    def number(self, value: float) -> float | int:
        """`value` in the type the API asks for."""
        return round(value, self.decimals) if self.decimals else round(value)


def parameters() -> list[Parameter]:
    """The numbers, in the order of the drawer."""
    return [
        Parameter(
            "temperature", _tr("Temperature"),
            _tr("How daring the choice of words is. 0 always takes the likeliest word."), 0, 2, 0.05, 0.7,
        ),
        Parameter(
            "top_p", _tr("Top P"),
            _tr("Chooses among the likeliest words that together reach this share. 1 is off."), 0.05, 1, 0.05, 1,
        ),
        Parameter("top_k", _tr("Top K"), _tr("Chooses among this many likeliest words. 0 is off."), 0, 200, 1, 0),
        Parameter(
            "min_p", _tr("Min P"),
            _tr("Leaves out words less likely than this share of the likeliest one. 0 is off."), 0, 1, 0.01, 0,
        ),
        Parameter(
            "repetition_penalty", _tr("Repetition penalty"),
            _tr("Makes words that were already used less likely. 1 is off."), 0.5, 2, 0.05, 1,
        ),
        Parameter(
            "max_new_tokens", _tr("Longest answer"),
            _tr("In tokens; a token is about three quarters of a word."), 1, 131_072, 64, 1024, slider=False,
        ),
        Parameter(
            "seed", _tr("Seed"),
            _tr("The same seed and question give the same answer. Otherwise each try differs."),
            0, 2**31 - 1, 1, 0, slider=False,
        ),
    ]  # fmt: skip


def preset_names() -> dict[str, str]:
    """Preset key → its name for people."""
    return {
        "default": _tr("Model's default"),
        "precise": _tr("Precise"),
        "balanced": _tr("Balanced"),
        "creative": _tr("Creative"),
    }


def preset_of(values: Values) -> str | None:
    """The preset whose values these are, or None when the person mixed their own."""
    chosen = {key: value for key, value in values.items() if key in PRESET_KEYS}
    return next((name for name, preset in PRESETS.items() if preset == chosen), None)


def with_preset(values: Values, name: str) -> Values:
    """`values` with the preset's choices; length, seed and stop texts stay."""
    kept = {key: value for key, value in values.items() if key not in PRESET_KEYS}
    return kept | PRESETS[name]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sampling", text)
