"""The one error of the protocol (RFC 6749 §4.1.2.1 and §5.2), rendered only at the edge."""

from typing import Final

STATUS: Final[dict[str, int]] = {
    "invalid_request": 400,
    "invalid_client": 401,
    "invalid_grant": 400,
    "unauthorized_client": 400,
    "unsupported_grant_type": 400,
    "invalid_scope": 400,
    "invalid_target": 400,  # RFC 8707 §2
    "unsupported_token_type": 400,  # RFC 7009 §2.2.1
    "invalid_token": 401,  # RFC 6750 §3.1
    "insufficient_scope": 403,  # RFC 6750 §3.1
    "temporarily_unavailable": 503,
    "server_error": 500,
}
"""Status by code at the JSON endpoints; authorization errors travel in a redirect instead."""


class OAuthError(Exception):
    """A refusal in the protocol's own form.

    `description` is for the client's developer and goes over the wire: ASCII without `"` and
    `\\` (RFC 6749 §5.2), nothing the caller could not know. `reason` is for our log only.
    """

    def __init__(self, code: str, description: str, *, reason: str | None = None) -> None:
        super().__init__(code, description, reason)
        self.code: Final = code
        self.description: Final = description
        self.reason: Final = reason or description

    @property
    def status(self) -> int:
        return STATUS.get(self.code, 400)
