"""An app's accent: whether it can be read, and what it is on a dark page (WCAG 2.2 §1.4.3).

Buttons have white text on it and links have it on white, so the one contrast that counts is with
white. For dark pages a lighter one of the same hue is found.
"""

import re
from typing import Final, NamedTuple

ENOUGH: Final = 4.5
WHITE: Final = "#ffffff"
_DARK_GROUNDS: Final = ("#0e0e12", "#16161c", "#1f1f27")  # those of tokens.css
_DARK_TEXT: Final = "#111117"
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_STEPS: Final = 40


class Accent(NamedTuple):
    """Values of `--accent` and `--on-accent`, for light pages and for dark ones."""

    light: str
    on_light: str
    dark: str
    on_dark: str


def check_accent(colour: str) -> None:
    """Raises: ValueError, in words that say what to change."""
    if not _COLOUR.fullmatch(colour):
        raise ValueError("Write a colour as # and six digits 0-9 or a-f, like #3f44c9.")
    ratio = contrast(colour, WHITE)
    if ratio < ENOUGH:
        darker = next(each for each in _towards(colour, "#000000") if contrast(each, WHITE) >= ENOUGH)
        raise ValueError(
            f"White text on it would have a contrast of {_floor(ratio)}:1, and needs {ENOUGH}:1."
            f" {darker} is the next that has."
        )


def accent_of(colour: str) -> Accent:
    """Of a colour that `check_accent` let pass."""
    dark = next(
        each
        for each in _towards(colour, WHITE)
        if all(contrast(each, ground) >= ENOUGH for ground in _DARK_GROUNDS)
        and contrast(each, _DARK_TEXT) >= ENOUGH
    )
    return Accent(light=colour, on_light=WHITE, dark=dark, on_dark=_DARK_TEXT)


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _towards(colour: str, end: str) -> list[str]:
    """The colour, and mixtures of it with more and more of `end`."""
    pairs = list(zip(_parts(colour), _parts(end), strict=True))
    return [
        "#" + "".join(f"{round(one + (other - one) * step / _STEPS):02x}" for one, other in pairs)
        for step in range(_STEPS + 1)
    ]


def _floor(ratio: float) -> float:
    """4.49 is not 4.5."""
    return int(ratio * 10) / 10
