"""The design system: colours that can be read, components that are all on the maintainers' page."""

import re
from pathlib import Path

import pytest

from docs.components.__main__ import draw
from shared.pages.assets import OURS, Assets
from shared.pages.templates import COMPONENTS

ROOT = Path(__file__).parents[3]
_TOKENS = (OURS / "tokens.css").read_text()
_GROUNDS = ("ground", "surface", "sunken")


def tokens(scheme: str) -> dict[str, str]:
    """Colours by name; the dark ones are written as what is different."""
    light, dark = _TOKENS.split("@media (prefers-color-scheme: dark)")
    text = light if scheme == "light" else light + dark
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: relative luminance, and its ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_and_edges_can_be_seen(scheme: str) -> None:
    colours = tokens(scheme)
    pairs = [(text, ground) for ground in _GROUNDS for text in ("text", "text-soft", "accent", "danger")]
    pairs += [(meaning, meaning + "-soft") for meaning in ("danger", "ok", "warn")]
    pairs += [("on-accent", "accent"), ("text", "danger-soft"), ("text", "ok-soft"), ("text", "warn-soft")]
    low = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    assert contrast(colours["line-strong"], colours["surface"]) >= 3


def test_every_component_is_on_the_page_of_all_components(tmp_path: Path) -> None:
    page = draw(tmp_path)
    source = (ROOT / "docs" / "components" / "page.html").read_text()
    macros = {
        name
        for path in (COMPONENTS / "ui").iterdir()
        for name in re.findall(r"macro (\w+)\(", path.read_text())
    }
    within_others = {"described", "ties", "label", "hidden", "copy_button"}
    assert {name for name in macros - within_others if f".{name}(" not in source} == set()
    text = page.read_text()
    assert 'style="' not in text
    assert re.search(r" on[a-z]+=", text) is None
    assert all((tmp_path / name).exists() for name in re.findall(r'(?:href|src)="([a-z]+\.[a-z]+)"', text))


def test_styles_name_no_colour_but_by_its_token() -> None:
    for path in [*OURS.glob("*.css"), *(ROOT / "services").glob("*/pages/assets/*.css")]:
        if path.name != "tokens.css":
            assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", path.read_text()) == [], path


def test_styles_do_not_know_left_from_right() -> None:
    """Right-to-left pages turn by themselves: sides are start and end."""
    sides = re.compile(
        r"(?:margin|padding|border)-(?:left|right)|(?<![-\w])(?:left|right):|text-align: (?:left|right)"
    )
    for path in [*OURS.glob("*.css"), *(ROOT / "services").glob("*/pages/assets/*.css")]:
        rules = [
            line for line in path.read_text().splitlines() if "direction: ltr" not in line
        ]  # code is not
        assert [line for line in rules if sides.search(line)] == [], path


def test_the_stylesheet_is_one_file_of_its_own_version(tmp_path: Path) -> None:
    (tmp_path / "style.css").write_text("main { color: red }")
    one = Assets(tmp_path)
    content = one.answer("style.css", None).content
    assert content.startswith(b"/* Design tokens")
    assert content.endswith(b"main { color: red }")
    (tmp_path / "style.css").write_text("main { color: blue }")
    assert Assets(tmp_path).query("style.css") != one.query("style.css")
