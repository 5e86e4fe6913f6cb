"""What the two cookies hold: the session of a signed-in user, and the transaction of a login under way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mtas.core.names import LAST_GENERATION, is_lid

VERSION: Final = 1
PROTOCOL_CLAIMS: Final = frozenset((
    "iss", "aud", "sub", "exp", "iat", "nbf", "jti", "nonce", "at_hash", "c_hash", "azp", "sid", "auth_time",
    "acr", "amr",
))  # fmt: skip
"""Claims of an ID token that say nothing about the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One generation of a session. Times are seconds since 1970."""

    lid: str
    gen: int
    sub: str
    user: Mapping[str, Any]
    sid: str | None
    auth_time: int | None
    access_token: str = field(repr=False)
    access_token_exp: int
    refresh_token: str | None = field(repr=False)
    id_token: str = field(repr=False)
    scope: str
    iat: int
    exp: int

    def claims(self) -> dict[str, Any]:
        claims = {
            "v": VERSION,
            "lid": self.lid,
            "gen": self.gen,
            "sub": self.sub,
            "user": self.user,
            "sid": self.sid,
            "auth_time": self.auth_time,
            "at": self.access_token,
            "at_exp": self.access_token_exp,
            "rt": self.refresh_token,
            "idt": self.id_token,
            "scope": self.scope,
            "iat": self.iat,
            "exp": self.exp,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def is_valid(self, now: float) -> bool:
        """May its access token still be used?"""
        return now < self.access_token_exp

    def is_due(self, now: float, refresh_before_s: int) -> bool:
        """Is a refresh due: `refresh_before_s` before the end, or half the lifetime if that is less?"""
        before = min(refresh_before_s, (self.access_token_exp - self.iat) // 2)
        return self.access_token_exp - now <= before


def read_session(claims: dict[str, Any] | None, now: float) -> Session | None:
    """The session, unless a claim is missing or of another type, or it has ended."""
    if claims is None or not _fits(claims, _SESSION, _SESSION_OPTIONAL):
        return None
    if not is_lid(claims["lid"]) or not 0 <= claims["gen"] <= LAST_GENERATION or not claims["sub"]:
        return None
    if now >= claims["exp"]:
        return None
    return Session(
        lid=claims["lid"],
        gen=claims["gen"],
        sub=claims["sub"],
        user=claims["user"],
        sid=claims.get("sid"),
        auth_time=claims.get("auth_time"),
        access_token=claims["at"],
        access_token_exp=claims["at_exp"],
        refresh_token=claims.get("rt"),
        id_token=claims["idt"],
        scope=claims["scope"],
        iat=claims["iat"],
        exp=claims["exp"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One login under way (RFC 6749 §10.12, RFC 7636, OIDC Core §15.5.2)."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_to: str
    iat: int
    exp: int

    def claims(self) -> dict[str, Any]:
        return {
            "v": VERSION,
            "state": self.state,
            "nonce": self.nonce,
            "code_verifier": self.code_verifier,
            "return_to": self.return_to,
            "iat": self.iat,
            "exp": self.exp,
        }


def read_transaction(claims: dict[str, Any] | None, now: float) -> Transaction | None:
    if claims is None or not _fits(claims, _TRANSACTION, {}) or now >= claims["exp"]:
        return None
    return Transaction(**{name: claims[name] for name in _TRANSACTION if name != "v"})


_SESSION: Final[dict[str, type]] = {
    "v": int, "lid": str, "gen": int, "sub": str, "user": dict, "at": str, "at_exp": int, "idt": str,
    "scope": str, "iat": int, "exp": int,
}  # fmt: skip
_SESSION_OPTIONAL: Final[dict[str, type]] = {"sid": str, "auth_time": int, "rt": str}
_TRANSACTION: Final[dict[str, type]] = {
    "v": int, "state": str, "nonce": str, "code_verifier": str, "return_to": str, "iat": int, "exp": int,
}  # fmt: skip


def _fits(claims: dict[str, Any], required: Mapping[str, type], optional: Mapping[str, type]) -> bool:
    return (
        all(type(claims.get(name)) is kind for name, kind in required.items())
        and all(type(claims[name]) is kind for name, kind in optional.items() if name in claims)
        and claims["v"] == VERSION
    )
