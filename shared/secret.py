"""A secret that cannot print itself."""

import base64
from typing import Final


class Secret:
    """A raw secret: `repr`, `str` and format strings are redacted; only `reveal()` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: Final = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def b64url(raw: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Decode `b64url`'s own output and nothing else. Raises: ValueError.

    The standard decoder skips characters outside the alphabet and ignores spare bits, so two
    texts could stand for one token; re-encoding refuses every text but the canonical one.
    """
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if b64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
