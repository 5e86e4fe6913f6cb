"""Every error that an app's users or its developer can meet, with a stable code.

The one home of code, status, title and detail; docs/sdk/errors.md is generated from here.
"""

from dataclasses import dataclass
from typing import Final

TYPE_PREFIX: Final = "urn:mtas:error:"


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str
    detail: str
    """What to do, for whoever meets it; where more is known, more is said."""
    remedy: str
    """What to do, for the app's developer."""


KINDS: Final[dict[str, Kind]] = {
    "login_required": Kind(
        401,
        "Sign in to go on",
        "Send the browser to login_url.",
        "Send the browser to `login_url`. A page load is redirected there by itself; `fetch` gets this.",
    ),
    "csrf": Kind(
        403,
        "The request did not come from this app's own pages",
        "Send the header X-MTAS-CSRF: 1 with this request.",
        "Send the header `X-MTAS-CSRF: 1` with requests that change something, and check that "
        "`MTAS_APP_URL` is the origin that the browser shows.",
    ),
    "state_missing": Kind(
        400,
        "This sign-in was begun elsewhere, or too long ago",
        "Begin again, in this browser, and keep cookies for this site.",
        "Begin again at `/login`. If it happens at every sign-in, the cookie of `/login` does not come back: "
        "`MTAS_APP_URL` must be the origin that the browser shows, https except on this machine.",
    ),
    "state_invalid": Kind(
        400,
        "This sign-in's state does not fit",
        "It is of another login. Begin again.",
        "Begin again at `/login`; the callback was called by hand.",
    ),
    "issuer_mismatch": Kind(
        400,
        "The answer came from another issuer",
        "The answer does not name MTAS_ISSUER as its issuer. Begin again.",
        "`MTAS_ISSUER` must be the issuer of the app's registration, to the letter.",
    ),
    "authorization_refused": Kind(
        403,
        "The sign-in was refused",
        "You, or the server, declined.",
        "The user declined, or the auth server did; `detail` has its code.",
    ),
    "code_rejected": Kind(
        400,
        "The sign-in could not be completed",
        "The code was refused: it is too old, or was used before. Sign in again.",
        "Begin again at `/login`. The code was used before, had expired, or the callback URL that is "
        "registered is not `MTAS_APP_URL` + `MTAS_PREFIX` + `/callback`.",
    ),
    "client_rejected": Kind(
        500,
        "The auth server does not accept this app's credentials",
        "Check MTAS_APP_ID and MTAS_APP_SECRET, and this app's settings.",
        "Check `MTAS_APP_ID` and `MTAS_APP_SECRET`; the secret may have been rotated.",
    ),
    "id_token_invalid": Kind(
        400,
        "The auth server's answer could not be verified",
        "The ID token is not there, or not what OpenID Connect asks for. Sign in again.",
        "Begin again at `/login`. If it stays, `MTAS_ISSUER` and `MTAS_APP_ID` are not of one registration.",
    ),
    "clock_skew": Kind(
        500,
        "This machine's clock is wrong",
        "Set it by NTP.",
        "Set the clock (NTP); `detail` says by how much it differs from the auth server's.",
    ),
    "server_unavailable": Kind(
        503,
        "The auth server cannot be reached",
        "The server cannot be reached, or its answer cannot be read. Try again in a moment.",
        "Try again after `Retry-After` seconds. Signed-in users go on until their access token expires.",
    ),
    "discovery_mismatch": Kind(
        500,
        "The auth server is another than the configured one",
        "The server calls itself by another issuer, or an endpoint of it is not of its own origin. "
        "Set MTAS_ISSUER to exactly what the dashboard shows.",
        "`MTAS_ISSUER` must be the `issuer` in its discovery document, to the letter, and its endpoints must "
        "have the same origin.",
    ),
    "token_missing": Kind(
        401,
        "An access token is needed",
        "Send Authorization: Bearer and an access token.",
        "Send `Authorization: Bearer …` with an access token.",
    ),
    "token_invalid": Kind(
        401,
        "The access token is not valid",
        "Get a new one.",
        "Get a new one. If it stays, compare its `iss` and `aud` with `MTAS_ISSUER` and `MTAS_RESOURCE`.",
    ),
    "insufficient_scope": Kind(
        403,
        "The access token's scope does not cover this",
        "Ask for the scope at sign-in.",
        "Ask for the scope at sign-in (`MTAS_SCOPE`).",
    ),
    "session_too_large": Kind(
        500,
        "The session does not fit in cookies",
        "Ask for fewer claims.",
        "Ask for fewer claims: five cookies of 3800 bytes are the limit.",
    ),
}


class MtasError(Exception):
    """A refusal with a stable code. `detail` is shown: it never holds a secret or a token."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        retry_after_s: int | None = None,
        scope: str | None = None,
    ) -> None:
        kind = KINDS[code]
        super().__init__(f"{code}: {detail or kind.detail}")
        self.code: Final = code
        self.status: Final = kind.status
        self.title: Final = kind.title
        self.detail: Final = detail or kind.detail
        self.retry_after_s: Final = 2 if retry_after_s is None and kind.status == 503 else retry_after_s
        self.scope: Final = scope

    def __reduce__(self) -> str | tuple[object, ...]:
        return _again, (self.code, self.detail, self.retry_after_s, self.scope)


def _again(code: str, detail: str, retry_after_s: int | None, scope: str | None) -> MtasError:
    return MtasError(code, detail, retry_after_s=retry_after_s, scope=scope)
