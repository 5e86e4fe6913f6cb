"""A long value in several cookies: browsers keep some 4096 bytes of each (RFC 6265 §6.1)."""

from collections.abc import Mapping
from typing import Final

from mtas.core.errors import MtasError

LARGEST: Final = 3800
_MOST: Final = 5
_COUNTS: Final = {f"{count}~": count for count in range(2, _MOST + 1)}


def write_chunks(name: str, value: str) -> dict[str, str]:
    """One cookie, or as few as hold it; the first begins with their number. Raises: session_too_large."""
    if len(name) + 1 + len(value) <= LARGEST:
        return {name: value}
    parts: list[str] = []
    rest = value
    while rest:
        room = LARGEST - len(f"{name}.{len(parts)}=") - (0 if parts else 2)
        parts.append(rest[:room])
        rest = rest[room:]
    if len(parts) > _MOST:
        detail = f"The session has {len(value)} bytes, more than five cookies hold. Ask for fewer claims."
        raise MtasError("session_too_large", detail)
    parts[0] = f"{len(parts)}~{parts[0]}"
    return {f"{name}.{number}": part for number, part in enumerate(parts)}


def read_chunks(name: str, cookies: Mapping[str, str]) -> str | None:
    """The value; None when a chunk is missing."""
    whole = cookies.get(name)
    if whole is not None:
        return whole
    first = cookies.get(f"{name}.0", "")
    count = _COUNTS.get(first[:2])
    if count is None:
        return None
    parts = [first[2:], *(cookies.get(f"{name}.{number}", "") for number in range(1, count))]
    return "".join(parts) if all(parts) else None
