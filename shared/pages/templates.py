"""Jinja as every page has it: escaped, strict, ready for translation, with the components at hand."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.pages.durations import say_duration

COMPONENTS: Final = Path(__file__).with_name("templates")


def environment(folder: Path) -> Environment:
    """For the templates of `folder`; `ui/…` are the components. Texts of these go through gettext (`_`)."""
    made = Environment(
        loader=FileSystemLoader([folder, COMPONENTS]),
        autoescape=True,
        undefined=StrictUndefined,  # a misspelt name fails in a test, not silently on a page
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    made.filters["moment"] = moment
    made.filters["duration"] = say_duration
    made.filters["day"] = day
    return made


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def day(on: date) -> str:
    return f"{on:%-d %b}"
