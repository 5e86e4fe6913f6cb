"""Who is signed in, and what an access token says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in user: `sub` never changes, the claims are those of the ID token."""

    sub: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    """All claims, `sub` among them; ready to be sent as JSON."""

    @property
    def email(self) -> str | None:
        return self._text("email")

    @property
    def email_verified(self) -> bool:
        return self.claims.get("email_verified") is True

    @property
    def name(self) -> str | None:
        return self._text("name")

    def _text(self, claim: str) -> str | None:
        value = self.claims.get(claim)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token (RFC 9068 §2.2)."""

    sub: str
    client_id: str
    scope: frozenset[str]
    exp: int
    claims: Mapping[str, Any] = field(repr=False)
