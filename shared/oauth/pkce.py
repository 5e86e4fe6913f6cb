"""Proof Key for Code Exchange, S256 only (RFC 7636; RFC 9700 §2.1.1)."""

import hashlib
import hmac
import re
from typing import Final

from shared.oauth.errors import OAuthError
from shared.secret import b64url

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def read_challenge(challenge: str | None, method: str | None, *, required: bool) -> str | None:
    """Check the request's `code_challenge` (RFC 7636 §4.3).

    Raises: OAuthError invalid_request when it is missing though required, malformed, or its
    method is anything but S256. A missing method means `plain`, which is refused too.
    """
    if challenge is None:
        if method is not None or required:
            raise OAuthError("invalid_request", "code_challenge is missing (PKCE, RFC 7636)")
        return None
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is not a base64url SHA-256")
    return challenge


def verify(challenge: str | None, verifier: str | None) -> bool:
    """Does `code_verifier` fit the challenge (RFC 7636 §4.6)?

    A verifier where no challenge was stored is refused as well: it shows a downgraded request
    (RFC 9700 §4.8.2).
    """
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(b64url(hashlib.sha256(verifier.encode("ascii")).digest()), challenge)
