"""An app's accent: readable on light pages as it is, and on dark ones as a lighter one of its kind."""

import random

import pytest

from shared.pages.colour import ENOUGH, WHITE, accent_of, check_accent, contrast

DARK = ("#0e0e12", "#16161c", "#1f1f27")


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", WHITE, 21.0), ("#767676", WHITE, 4.54)])
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("colour", ["#777777", "#ff0000", "#ffffff", "#00aa55"])
def test_what_white_text_cannot_be_read_on_is_refused_with_a_better_one(colour: str) -> None:
    with pytest.raises(ValueError, match=r"contrast of [\d.]+:1, and needs 4.5:1") as refusal:
        check_accent(colour)
    check_accent(str(refusal.value).split("1. ")[1].split(" ")[0])


@pytest.mark.parametrize("text", ["", "3f44c9", "#3F44C9", "#abc", "#3f44c9;}", "red", "#3f44c9\n", "url(x)"])
def test_only_six_digits_are_a_colour(text: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        check_accent(text)


def test_every_accent_that_passes_can_be_read_in_the_dark() -> None:
    dice = random.Random(7)
    passed = 0
    while passed < 300:
        colour = f"#{dice.randrange(1 << 24):06x}"
        if contrast(colour, WHITE) < ENOUGH:
            continue
        passed += 1
        accent = accent_of(colour)
        assert accent.light == colour
        assert all(contrast(accent.dark, ground) >= ENOUGH for ground in DARK)
        assert contrast(accent.dark, accent.on_dark) >= ENOUGH
        assert contrast(accent.light, accent.on_light) >= ENOUGH
