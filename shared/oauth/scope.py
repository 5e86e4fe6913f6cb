"""Scope (RFC 6749 §3.3): space-separated tokens, order and repetition without meaning."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from shared.oauth.errors import OAuthError

OPENID: Final = "openid"
OFFLINE_ACCESS: Final = "offline_access"
USER_SCOPE: Final = ("openid", "profile", "email", "offline_access")
"""What a client with users may ask for unless its settings say otherwise."""

_TOKEN: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


def is_scope_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def parse(scope: str | None) -> tuple[str, ...]:
    """Split and de-duplicate, keeping order. Raises: OAuthError invalid_scope when malformed."""
    if scope is None:
        return ()
    tokens = tuple(dict.fromkeys(scope.split(" ")))
    if not all(is_scope_token(token) for token in tokens):
        raise OAuthError("invalid_scope", "scope is malformed")
    return tokens


def within(asked: Iterable[str], allowed: Collection[str]) -> tuple[str, ...]:
    """`asked`, when all of it is allowed. Raises: OAuthError invalid_scope."""
    asked = tuple(asked)
    if not all(token in allowed for token in asked):
        raise OAuthError("invalid_scope", "scope holds a value this client may not ask for")
    return asked


def left_of(granted: tuple[str, ...], allowed: Collection[str]) -> tuple[str, ...]:
    """What a client may still have of what it was granted: its settings may have changed since."""
    return tuple(token for token in granted if token in allowed)


def render(scope: Iterable[str]) -> str:
    return " ".join(scope)
