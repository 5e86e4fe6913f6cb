"""The catalogues of the hosted pages and of mails: `make texts` brings them up to date with the code.

    python -m deploy.texts            write what is new into every catalogue, and say what is to be translated
    python -m deploy.texts --check    write nothing; exit 1 when a sentence is missing, fuzzy or said no more

English stands in the code and has no catalogue. A new language: `python -m deploy.texts --add fr`, and its
tag in `shared.languages` once it is translated.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).parents[1]
_KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "Text": None, "count": (1, 2)}
_METHODS: Final = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
_OPTIONS: Final = {"**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
_PASSING: Final = tuple(
    f'"{name}'
    for name in (
        *("POT-Creation", "PO-Revision", "Generated-By", "Last-Translator", "Language-Team"),
        *("Project-Id", "Report-Msgid"),
    )
)


class Speaker(NamedTuple):
    """A service that says something: its catalogues, and where the sentences stand."""

    catalogues: Path
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


SPEAKERS: Final = {
    "authorize": Speaker(
        ROOT / "services/authorize/texts",
        folders=("services/authorize", "shared/pages/templates"),
        files=("shared/passwords.py",),
    ),
    "admin": Speaker(
        ROOT / "services/admin/texts",
        files=("services/admin/flows/invitation_letter.py", "services/admin/flows/password_letter.py"),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make texts", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--add", metavar="TAG", help="begin a catalogue for this language")
    arguments = parser.parse_args()
    if arguments.add:
        for speaker in SPEAKERS.values():
            path = speaker.catalogues / f"{arguments.add}.po"
            if not path.exists():
                path.write_bytes(_written(_empty(arguments.add)))
    problems = []
    for name, speaker in SPEAKERS.items():
        said = template(speaker)
        for path in sorted(speaker.catalogues.glob("*.po")):
            catalogue = _read(path)
            problems += [f"{name}, {path.stem}: {problem}" for problem in wrong_with(catalogue, said)]
            if not arguments.check:
                catalogue.update(said, no_fuzzy_matching=True)
                catalogue.obsolete.clear()
                path.write_bytes(_written(catalogue))
    for problem in problems:
        print(problem)
    return 1 if arguments.check and problems else 0


def template(speaker: Speaker) -> Catalog:
    """What the code and the templates say."""
    found = Catalog()
    for message, comments, where in _extract(speaker):
        found.add(message, locations=[(where, 0)], auto_comments=comments)
    return found


def wrong_with(catalogue: Catalog, said: Catalog) -> Iterator[str]:
    """What keeps it from being whole."""
    for message in said:
        if not message.id:
            continue
        known = catalogue.get(message.id)
        words = [message.id] if isinstance(message.id, str) else list(message.id)
        if known is None:
            yield f"missing: {words[0]!r}"
        elif known.fuzzy:
            yield f"fuzzy: {words[0]!r}"
        elif not all([known.string] if isinstance(known.string, str) else known.string or [""]):
            yield f"not translated: {words[0]!r}"
        elif list(known.check(catalogue)):
            yield f"its placeholders are wrong: {words[0]!r}"
    for message in catalogue:
        if message.id and message.id not in said:
            yield f"no longer said: {message.id!r}"


def _extract(speaker: Speaker) -> Iterator[tuple[str | tuple[str, ...], list[str], str]]:
    for folder in speaker.folders:
        for file, _, message, comments, _ in extract_from_dir(
            ROOT / folder, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
        ):
            yield message, comments, f"{folder}/{file}"
    for name in speaker.files:
        for _, message, comments, _ in extract_from_file("python", ROOT / name, keywords=_KEYWORDS):
            yield message, comments, name


def _empty(tag: str) -> Catalog:
    return Catalog(locale=tag.replace("-", "_"), project="MTAS", header_comment=f"# MTAS, {tag}")


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def _written(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=110, sort_output=True, omit_header=False, no_location=True)
    # Of the header what would change with every run, or says nothing, is left out.
    kept = [line for line in out.getvalue().decode().splitlines() if not line.startswith(_PASSING)]
    return ("\n".join(kept).strip() + "\n").encode()


if __name__ == "__main__":
    sys.exit(main())
