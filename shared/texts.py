"""What pages and mails say, by language. English stands in the code; others in the service's own catalogues.

`services/{name}/texts/de.po` is read and compiled when the service starts, so that no binary is kept beside
it. To add a language: `make texts ARGS="--add {tag}"`, translate `{tag}.po` of every service, name it in
`shared.languages`; a test holds every catalogue against the code.
"""

import io
import re
from collections.abc import Iterable
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from shared.languages import LANGUAGES, SOURCE
from shared.text import Text

MAX_TAGS: Final = 20
# Of a part without spaces around it. Between two repetitions of a space stands something that must be there,
# so that no number of spaces makes it try every way to share them out.
_ACCEPTED: Final = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:\s*;\s*q=([01](?:\.\d{0,3})?))?")


class Language:
    """One language: its words, and how it writes dates."""

    def __init__(self, tag: str, translations: NullTranslations) -> None:
        self.tag: Final = tag
        self.translations: Final = translations
        self._locale: Final = Locale.parse(tag, sep="-")
        self.direction: Final = "rtl" if self._locale.character_order == "right-to-left" else "ltr"

    def say(self, text: Text | str) -> str:
        """A sentence from the code, in this language."""
        if isinstance(text, Text):
            return self.translations.gettext(text.message) % text.values
        return self.translations.gettext(text)

    def count(self, one: str, many: str, number: int) -> str:
        return self.translations.ngettext(one, many, number) % {"number": number}

    def moment(self, when: datetime) -> str:
        """Date and time, to the minute, in UTC: we don't know the reader's clock."""
        day = format_date(when, "medium", locale=self._locale)
        return f"{day}, {format_time(when, 'HH:mm', locale=self._locale)} UTC"


class Texts:
    """All languages, read once from the folder of a service's catalogues."""

    def __init__(self, folder: Path) -> None:
        self.languages: Final = {
            tag: Language(tag, NullTranslations() if tag == SOURCE else _read(folder / f"{tag}.po"))
            for tag in LANGUAGES
        }

    def language(self, tag: str | None) -> Language:
        """The one of this tag, or English."""
        return self.languages.get(tag or SOURCE, self.languages[SOURCE])

    def choose(self, wanted: Iterable[str]) -> str | None:
        """The first of these tags that we speak, if any; `de-AT` is served by `de` (RFC 4647 §3.4)."""
        for tag in wanted:
            parts = tag.lower().split("-")
            for length in range(len(parts), 0, -1):
                if (candidate := "-".join(parts[:length])) in self.languages:
                    return candidate
        return None


def ui_locales(value: str | None) -> list[str]:
    """OpenID Connect Core §3.1.2.1: tags in order of preference, separated by spaces."""
    return (value or "").split(" ")[:MAX_TAGS]


def accepted(header: str) -> list[str]:
    """`Accept-Language` (RFC 9110 §12.5.4), most wanted first; what cannot be read is left out."""
    found = []
    for position, part in enumerate(header.split(",")[:MAX_TAGS]):
        if match := _ACCEPTED.fullmatch(part.strip()):
            weight = float(match.group(2) or 1)
            if weight > 0 and match.group(1) != "*":
                found.append((-weight, position, match.group(1)))
    return [tag for _, _, tag in sorted(found)]


def _read(path: Path) -> NullTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
