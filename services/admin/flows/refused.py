"""A refusal, said once in words for the one who asked; rendered only at the edge."""

import unicodedata
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

import msgspec

from shared.pages.durations import say_duration

_NOT_IN_NAMES: Final = ("Cc", "Cs", "Zl", "Zp")
_TURNS_AROUND: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Bidirectional controls: with them a name can read as another (Unicode TR #36 §2.5)."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field; `line` counts from 0 where the field is a list."""

    field: str
    message: str
    line: int | None = None


class Refused(Exception):
    """Base of all: a status, a title that is the same for every such refusal, and the detail."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail: Final = detail
        self.errors: Final = tuple(errors)


class Invalid(Refused):
    """Fields hold what they may not."""

    status = 422
    title = "Something needs to be corrected"


class Conflict(Refused):
    """What was asked for exists already, or stands in the way."""

    status = 409
    title = "That is taken"


class Forbidden(Refused):
    """Known, and not allowed to."""

    status = 403
    title = "You may not do that"


class NotFound(Refused):
    """Not there, or not yours: the answer is the same."""

    status = 404
    title = "Not found"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you can see.")


class Unauthenticated(Refused):
    """Nobody that we know."""

    status = 401
    title = "Not signed in"


class InsufficientScope(Refused):
    """The API token is not for this (RFC 6750 §3.1)."""

    status = 403
    title = "The API token does not allow this"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs an API token with the scope {scope}.")
        self.scope: Final = scope


class Checks:
    """Collects what is wrong with a request, so that all of it is said at once."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, field: str, message: str, line: int | None = None) -> None:
        self.errors.append(FieldError(field, message, line))

    def name(self, name: str, field: str = "name") -> None:
        if not name.strip():
            self.add(field, "Enter a name.")
        elif len(name) > 80:
            self.add(field, "Use at most 80 characters.")
        elif any(unicodedata.category(c) in _NOT_IN_NAMES or c in _TURNS_AROUND for c in name):
            self.add(field, "Leave out line breaks and control characters.")

    def between(self, field: str, value: int, lowest: int, highest: int) -> None:
        if not lowest <= value <= highest:
            self.add(field, f"Enter a number from {lowest} to {highest}.")

    def lasts(self, field: str, seconds: int, least: int, most: int) -> None:
        if not least <= seconds <= most:
            said = f"{say_duration(least)} to {say_duration(most)} ({least} to {most} seconds)"
            self.add(field, f"Enter {said}.")

    def each(self, field: str, values: tuple[str, ...], check: Callable[[str], None], most: int = 50) -> None:
        """Run `check`, which raises ValueError with a phrase, on every value of a list."""
        if len(values) > most:
            self.add(field, f"Enter at most {most}.")
            return
        for line, value in enumerate(values):
            if not value:
                self.add(field, "This is empty.", line)
                continue
            if value in values[:line]:
                self.add(field, f"{value} is here twice.", line)
                continue
            try:
                check(value)
            except ValueError as error:
                self.add(field, f"{_shown(value)} {error}.", line)

    def refuse_if_any(self) -> None:
        """Raises: Invalid, with everything collected."""
        if self.errors:
            raise Invalid("Check the fields that are named.", self.errors)


def _shown(value: str) -> str:
    return value if len(value) <= 100 else value[:100] + "…"
