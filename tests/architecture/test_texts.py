"""Every sentence of the hosted pages and mails is in every language, and none stands outside a catalogue."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from deploy import texts
from shared.languages import LANGUAGES, SOURCE, Tag
from shared.texts import Texts

ROOT = Path(__file__).parents[2]
CATALOGUES = [path for speaker in texts.SPEAKERS.values() for path in sorted(speaker.catalogues.glob("*.po"))]
PAGES = sorted((ROOT / "services" / "authorize" / "pages").glob("*.html"))


def test_every_catalogue_is_whole() -> None:
    check = [sys.executable, "-m", "deploy.texts", "--check"]
    result = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{result.stdout}{result.stderr}(make texts, then translate)"


def test_a_sentence_more_a_fuzzy_one_and_a_wrong_placeholder_are_noticed() -> None:
    speaker = texts.SPEAKERS["authorize"]
    said = texts.template(speaker)
    whole = texts._read(speaker.catalogues / "de.po")
    assert list(texts.wrong_with(whole, said)) == []
    said.add("A sentence that nobody has translated")
    message = whole.get("Sign in")
    assert message is not None
    message.flags.add("fuzzy")
    app = whole.get("Go to %(app)s")
    assert app is not None
    app.string = "Zu %(apps)s"
    problems = " ".join(texts.wrong_with(whole, said))
    assert all(word in problems for word in ("missing", "fuzzy", "placeholders"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_template_says_nothing_outside_a_catalogue(page: Path) -> None:
    text = page.read_text().replace("{% block wide %} wide{% endblock %}", "")  # a class
    text = re.sub(r"{% trans.*?{% endtrans %}", "", text, flags=re.DOTALL)
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<!.*?>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", text) == []


def test_every_catalogue_is_spoken_and_named() -> None:
    """Of `shared.languages`, which discovery names too."""
    assert set(LANGUAGES) == set(get_args(Tag)) >= {"en", "de"}
    for speaker in texts.SPEAKERS.values():
        catalogues = [path.stem for path in speaker.catalogues.glob("*.po")]
        assert sorted(LANGUAGES) == sorted([SOURCE, *catalogues])
        assert set(Texts(speaker.catalogues).languages) == set(LANGUAGES)


def test_german_says_sie() -> None:
    said = "".join(path.read_text() for path in CATALOGUES if path.stem == "de")
    assert re.findall(r"\b(?:du|dir|dich|dein\w*)\b", said, re.IGNORECASE) == []
