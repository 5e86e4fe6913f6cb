"""The audit log as a file: a line of JSON, or a row of CSV, an entry; sent as it is read."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import msgspec
from litestar.response import Stream

from services.admin.store.audit import Entry
from shared.http.headers import NO_STORE

Format = Literal["ndjson", "csv"]
MEDIA_TYPES: Final[dict[Format, str]] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_COLUMNS: Final = ("occurred_at", "event_id", "type", "actor", "subject", "source", "data")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


async def export_response(batches: AsyncIterator[list[Entry]], form: Format, app_id: str) -> Stream:
    """The first batch is read before anything is sent, so that a refusal is an answer of its own."""
    first = await anext(batches)

    async def lines() -> AsyncIterator[bytes]:
        yield _written(first, form, is_first=True)
        async for batch in batches:
            yield _written(batch, form, is_first=False)

    return Stream(
        lines(),
        media_type=MEDIA_TYPES[form],
        headers={
            **NO_STORE,
            "Content-Disposition": f'attachment; filename="{app_id}-audit-log.{form}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _written(entries: list[Entry], form: Format, *, is_first: bool) -> bytes:
    if form == "ndjson":
        return b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    text = io.StringIO()
    rows = csv.writer(text)
    if is_first:
        rows.writerow(_COLUMNS)
    for entry in entries:
        rows.writerow(_cells(entry))
    return text.getvalue().encode()


def _cells(entry: Entry) -> list[str]:
    """A spreadsheet takes none of them for a formula (OWASP: CSV injection)."""
    values: tuple[Any, ...] = (
        entry.occurred_at.isoformat(),
        entry.event_id,
        entry.type,
        entry.data.get("actor") or "",
        entry.subject,
        entry.source,
        msgspec.json.encode(entry.data).decode(),
    )
    return ["'" + text if text.startswith(_FORMULA) else text for text in map(str, values)]
