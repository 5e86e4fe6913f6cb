"""Request parameters (RFC 6749 §3.1, §3.2): form-encoded, each at most once, empty means absent.

What is sent twice is repeated, even where one of the two is empty: which one counts is just what
two readers of the same request might see differently.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from shared.oauth.errors import OAuthError

MAX_FIELDS: Final = 50


class Params:
    """Parsed parameters. A repeated one has no value and is named in `repeated`."""

    __slots__ = ("_values", "repeated")

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        values: dict[str, str] = {}
        repeated: set[str] = set()
        seen: set[str] = set()
        for name, value in pairs:
            if name in seen:
                repeated.add(name)
                values.pop(name, None)
            elif value:  # RFC 6749 §3.1: sent without a value is as if omitted
                values[name] = value
            seen.add(name)
        self._values: Mapping[str, str] = values
        self.repeated: Final = frozenset(repeated)

    @classmethod
    def parse(cls, encoded: bytes) -> "Params":
        """Decode `application/x-www-form-urlencoded`. Raises: OAuthError invalid_request."""
        try:
            pairs = parse_qsl(
                encoded.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=False,
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
        except ValueError:
            raise OAuthError("invalid_request", "the parameters are not form-encoded UTF-8") from None
        if any("\x00" in name or "\x00" in value for name, value in pairs):
            raise OAuthError("invalid_request", "a parameter holds a NUL")
        return cls(pairs)

    def get(self, name: str) -> str | None:
        """The value, or None when it is absent, empty or repeated."""
        return self._values.get(name)

    def require(self, name: str) -> str:
        """The value. Raises: OAuthError invalid_request when it is absent or empty."""
        value = self._values.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"{name} is missing")
        return value

    def refuse_repeated(self) -> None:
        """Raises: OAuthError invalid_request when any parameter came twice (RFC 6749 §3.2).

        `resource` alone may by its own RFC, so it has an error of its own when we know but one.
        """
        if self.repeated == {"resource"}:  # RFC 8707 §2
            raise OAuthError("invalid_target", "a token is for one resource: ask for each by itself")
        if self.repeated:
            raise OAuthError("invalid_request", "a parameter is repeated")

    def as_dict(self) -> dict[str, str]:
        return dict(self._values)
