"""A color that a merchant chose, made legible: text in it, and text on it, has the contrast that WCAG 2.2 AA wants. Pure."""

import re
from collections.abc import Iterator

Color = tuple[int, int, int]

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
CONTRAST = 4.5
STEPS = 50
WEIGHTS = (0.2126, 0.7152, 0.0722)
DARKEST = 0.04045
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def color_of(text: str) -> Color:
    """The color that `#0a6847` or `#fff` names. Raises ValueError."""
    if not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no color such as #0a6847")
    digits = text[1:] if len(text) > len("#fff") else "".join(digit * 2 for digit in text[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def written(color: Color) -> str:
    """`color` as CSS writes it."""
    return "#" + "".join(f"{part:02x}" for part in color)


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG: 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def legible(color: Color, ground: Color) -> Color:
    """`color`, mixed with as little black or white as text in it needs on `ground`."""
    toward = upon(ground)
    return next(mixed for mixed in _mixed(color, toward) if contrast(mixed, ground) >= CONTRAST)


def upon(color: Color) -> Color:
    """Black or white, whichever is easier to read on `color`: its contrast is always enough."""
    return max(BLACK, WHITE, key=lambda text: contrast(text, color))


def _mixed(color: Color, other: Color) -> Iterator[Color]:
    for step in range(STEPS + 1):
        red, green, blue = (round(a + (b - a) * step / STEPS) for a, b in zip(color, other, strict=True))
        yield red, green, blue


def _luminance(color: Color) -> float:
    return sum(weight * _linear(part / 255) for weight, part in zip(WEIGHTS, color, strict=True))


def _linear(part: float) -> float:
    return part / 12.92 if part <= DARKEST else ((part + 0.055) / 1.055) ** 2.4
