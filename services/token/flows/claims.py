"""Claims about a user, by scope (OIDC Core §5.1, §5.4)."""

from collections.abc import Collection
from typing import Any

from services.token.store import User


def claims_of(user: User, scope: Collection[str]) -> dict[str, Any]:
    """`sub`, and what the scope opens; a value we don't have is left out."""
    claims: dict[str, Any] = {"sub": str(user.user_id)}
    if "email" in scope:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    if "profile" in scope:
        if user.name is not None:
            claims["name"] = user.name
        claims["updated_at"] = int(user.updated_at.timestamp())
    return claims
