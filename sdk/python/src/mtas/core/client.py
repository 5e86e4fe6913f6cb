"""The app as an OAuth client: what it asks of the server, and what it makes of the answers."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from mtas.core import jwt
from mtas.core.config import Config
from mtas.core.effects import Fetch, Fetched, Flow, Unreachable, fetch
from mtas.core.encoding import b64url, json_object
from mtas.core.errors import MtasError
from mtas.core.provider import CLIENT_HEADERS, Provider
from mtas.core.session import Transaction
from mtas.core.user import AccessToken

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_LONGEST_RETRY_S: Final = 300
_CODE: Final = re.compile(r"[a-z_]{1,40}")


class GrantRefused(Exception):
    """`invalid_grant` (RFC 6749 §5.2): this code or refresh token is worth nothing any more."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token response (RFC 6749 §5.1), and when the server says it was made."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    scope: str | None
    date: float | None


class Client:
    def __init__(self, config: Config, clock: Callable[[], float], ticks: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self.provider: Final = Provider(config, ticks)
        pair = f"{quote_plus(config.app_id)}:{quote_plus(config.app_secret)}"  # RFC 6749 §2.3.1
        basic = base64.b64encode(pair.encode()).decode("ascii")
        self._headers = {**CLIENT_HEADERS, **_FORM, "Authorization": f"Basic {basic}"}

    def authorization_url(self, transaction: Transaction, more: Mapping[str, str]) -> Flow[str]:
        """RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1. Raises: as Provider.metadata."""
        metadata = yield from self.provider.metadata()
        challenge = b64url(hashlib.sha256(transaction.code_verifier.encode()).digest())
        parameters = {
            "response_type": "code",
            "client_id": self._config.app_id,
            "redirect_uri": self._config.redirect_uri,
            "scope": self._config.scope,
            "state": transaction.state,
            "nonce": transaction.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"resource": self._config.resource} if self._config.resource else {}),
            **more,
        }
        return _with_query(metadata.authorization_endpoint, parameters)

    def end_session_url(self, id_token: str) -> Flow[str | None]:
        """RP-Initiated Logout 1.0 §2; None when the server offers none, or is away."""
        try:
            metadata = yield from self.provider.metadata()
        except MtasError:
            return None
        if metadata.end_session_endpoint is None:
            return None
        parameters = {
            "id_token_hint": id_token,
            "post_logout_redirect_uri": self._config.app_url + self._config.post_logout_return_to,
            "client_id": self._config.app_id,
        }
        return _with_query(metadata.end_session_endpoint, parameters)

    def redeem(self, code: str, code_verifier: str) -> Flow[Tokens]:
        """RFC 6749 §4.1.3, RFC 7636 §4.5. Raises: GrantRefused, MtasError."""
        return (
            yield from self._token(
                {
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": self._config.redirect_uri,
                    "code_verifier": code_verifier,
                }
            )
        )

    def refresh(self, refresh_token: str) -> Flow[Tokens]:
        """RFC 6749 §6. Raises: GrantRefused, MtasError."""
        return (yield from self._token({"grant_type": "refresh_token", "refresh_token": refresh_token}))

    def revoke(self, token: str) -> Flow[bool]:
        """RFC 7009 §2.1: has the server said that it is revoked?"""
        try:
            metadata = yield from self.provider.metadata()
            if metadata.revocation_endpoint is None:
                return False
            fetched = yield from self._post(metadata.revocation_endpoint, {"token": token})
        except (MtasError, Unreachable):
            return False
        return fetched.status == 200

    def verify_access_token(self, token: str) -> Flow[AccessToken]:
        """Offline, against the issuer's keys (RFC 9068 §4). Raises: MtasError token_invalid and others."""
        try:
            unverified = jwt.parse(token)
            key = yield from self.provider.key(unverified.kid, unverified.alg)
            claims = jwt.verify(unverified, key)
            return jwt.check_access_token(unverified, claims, self._expected(self._config.audience))
        except jwt.TokenError as error:
            raise MtasError("token_invalid", f"The access token is refused: {error}.") from None

    def verify_id_token(self, tokens: Tokens, nonce: str | None) -> Flow[dict[str, Any]]:
        """The claims (OIDC Core §3.1.3.7). Raises: TokenError; MtasError clock_skew and others."""
        assert tokens.id_token is not None
        unverified = jwt.parse(tokens.id_token)
        key = yield from self.provider.key(unverified.kid, unverified.alg)
        claims = jwt.verify(unverified, key)
        expected = self._expected(self._config.app_id)
        try:
            jwt.check_id_token(unverified, claims, expected, nonce=nonce, access_token=tokens.access_token)
        except jwt.NotNowError:
            self._explain_clock(tokens.date)
            raise
        return claims

    def _explain_clock(self, date: float | None) -> None:
        """Raises: MtasError clock_skew, when the server's Date says that our clock is to blame."""
        difference = 0 if date is None else round(self._clock() - date)
        if abs(difference) > self._config.clock_leeway_s:
            word = "ahead of" if difference > 0 else "behind"
            raise MtasError(
                "clock_skew",
                f"This machine's clock is {abs(difference)} seconds {word} the auth server's. Set it by NTP.",
            )

    def _expected(self, audience: str) -> jwt.Expected:
        return jwt.Expected(self._config.issuer, audience, self._config.clock_leeway_s, self._clock())

    def _token(self, form: Mapping[str, str]) -> Flow[Tokens]:
        metadata = yield from self.provider.metadata()
        try:
            fetched = yield from self._post(metadata.token_endpoint, form)
        except Unreachable:
            raise MtasError("server_unavailable") from None
        if fetched.status != 200:
            raise _refusal(fetched)
        try:
            return _read_tokens(fetched)
        except (ValueError, TypeError, KeyError):
            raise MtasError("server_unavailable") from None

    def _post(self, url: str, form: Mapping[str, str]) -> Flow[Fetched]:
        return (yield from fetch(Fetch("POST", url, self._headers, urlencode(form).encode("ascii"))))


def _refusal(fetched: Fetched) -> Exception:
    """RFC 6749 §5.2."""
    if fetched.status == 429 or fetched.status >= 500 or 300 <= fetched.status < 400:
        detail = f"The server answered {fetched.status}. Try again in a moment."
        return MtasError("server_unavailable", detail, retry_after_s=_retry_after(fetched))
    try:
        code = json_object(fetched.body).get("error")
    except ValueError:
        code = None
    if fetched.status == 401 or code in ("invalid_client", "unauthorized_client"):
        known = code if isinstance(code, str) and _CODE.fullmatch(code) else "an error"
        detail = (
            f"The server answered {known}. Check MTAS_APP_ID and MTAS_APP_SECRET, and this app's settings."
        )
        return MtasError("client_rejected", detail)
    if code == "invalid_grant":
        return GrantRefused()
    return MtasError("code_rejected")


def _retry_after(fetched: Fetched) -> int | None:
    text = fetched.headers.get("retry-after", "")
    return min(int(text), _LONGEST_RETRY_S) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _read_tokens(fetched: Fetched) -> Tokens:
    answer = json_object(fetched.body)
    access_token, expires_in = answer["access_token"], answer["expires_in"]
    texts = (answer.get("refresh_token"), answer.get("id_token"), answer.get("scope"))
    if not isinstance(access_token, str) or not access_token or str(answer["token_type"]).lower() != "bearer":
        raise ValueError("not a Bearer token")
    if type(expires_in) is not int or not 0 < expires_in < 10**9:
        raise ValueError("not a lifetime")
    if not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError("not text")
    return Tokens(access_token, expires_in, *texts, _date(fetched))


def _date(fetched: Fetched) -> float | None:
    try:
        return parsedate_to_datetime(fetched.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"
