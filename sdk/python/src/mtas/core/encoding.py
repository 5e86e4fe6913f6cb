"""base64url and JSON, strictly: one text for one value, and nothing lax (RFC 7515 §2, RFC 8725 §2.4)."""

import base64
import json
from typing import Any, Final, NoReturn

_MOST_CONTAINERS: Final = 1000


def b64url(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Decode what `b64url` gives and nothing else. Raises: ValueError.

    The standard decoder knows several texts for one value (spare bits, both alphabets); encoding again
    refuses all but the canonical one.
    """
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if b64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def to_json(value: Any) -> str:
    """As `JSON.stringify` writes it: no spaces, members in their order, UTF-8 as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8, no member twice, no NaN, not nested without end. Raises: ValueError."""
    if raw.count(b"[") + raw.count(b"{") > _MOST_CONTAINERS:
        raise ValueError("too many arrays and objects")
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what was sent is a value
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
