"""Colour arithmetic for the theme: mixing and WCAG contrast. Knows nothing of Qt or of tokens; colours are "#RRGGBB"."""

Channels = tuple[int, int, int]


def channels(colour: str) -> Channels:
    """Red, green and blue, 0 to 255. Raises ValueError for anything that is not "#RRGGBB"."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"not a #RRGGBB colour: {colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(colour: str, other: str, share: float) -> str:
    """`share` (0 to 1) of `colour` laid over `other`."""
    pairs = zip(channels(colour), channels(other), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02X}" for a, b in pairs)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (_linear(value / 255) for value in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, other: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((luminance(colour), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, against: str, toward: str, ratio: float = 4.5) -> str:
    """`colour`, moved toward `toward` in small steps until its contrast with `against` reaches `ratio`."""
    for step in range(51):
        candidate = mix(toward, colour, step / 50)
        if contrast(candidate, against) >= ratio:
            return candidate
    return toward


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
