"""Pages by keyset: a cursor names the last item seen, so nothing shifts while somebody reads."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from services.admin.flows.refused import FieldError, Invalid
from shared.secret import b64url, from_b64url

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100

T = TypeVar("T")
U = TypeVar("U")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """`next` is the cursor of the page after, None on the last."""

    items: tuple[T, ...]
    next: str | None

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        return Page(tuple(change(item) for item in self.items), self.next)


def page(rows: list[T], limit: int, key: Callable[[T], Any]) -> Page[T]:
    """A page of rows that were read with one more than `limit`; `key` is what the cursor holds."""
    items = tuple(rows[:limit])
    more = len(rows) > limit
    return Page(items, cursor_of(key(items[-1])) if more else None)


def check_limit(limit: int) -> None:
    """Raises: Invalid."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid("Check the fields that are named.", [FieldError("limit", f"Use 1 to {MAX_LIMIT}.")])


def after_text(cursor: str | None) -> str | None:
    return None if cursor is None else _read(cursor, str)


def after_number(cursor: str | None) -> int:
    """0 without one, which comes as `after`. Raises: Invalid, for what no position can be too."""
    number = 0 if cursor is None else _read(cursor, int, "after")
    if not 0 <= number < 1 << 63:
        raise _not_a_cursor("after")
    return number


def cursor_of(key: Any) -> str:
    return b64url(msgspec.json.encode(key))


def after_id(cursor: str | None) -> UUID | None:
    return None if cursor is None else _read(cursor, UUID)


def after_moment(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, last_id = _read(cursor, tuple[datetime, UUID])
    try:
        return at.astimezone(UTC), last_id
    except OverflowError:  # its offset leads out of all time
        raise _not_a_cursor() from None


def _read(cursor: str, type_: type[T], field: str = "cursor") -> T:
    """Raises: Invalid for a cursor that is not from us."""
    try:
        raw = from_b64url(cursor)
        return msgspec.json.decode(b"" if b"\\u0000" in raw else raw, type=type_)
    except (ValueError, msgspec.MsgspecError):
        raise _not_a_cursor(field) from None


def _not_a_cursor(field: str = "cursor") -> Invalid:
    return Invalid(
        "Check the fields that are named.",
        [FieldError(field, "This is not the address of a page: begin with the first one.")],
    )
