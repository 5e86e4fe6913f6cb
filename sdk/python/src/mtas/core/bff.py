"""The backend for frontend: four routes, and who is signed in on every other one.

`visit` is asked first, for each request. It says who it is, or has the answer ready; either way the
cookies that must go out with the response are in what it gives.
"""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote

from mtas.core import answers
from mtas.core.answers import Answer
from mtas.core.client import Client
from mtas.core.config import Config
from mtas.core.cookie_jar import TRANSACTION_MAX_AGE_S, CookieJar
from mtas.core.effects import Flow, Kept, Once
from mtas.core.encoding import b64url
from mtas.core.errors import MtasError
from mtas.core.names import parse_cookies
from mtas.core.redemption import Redemption
from mtas.core.refresh import Ended, Failed, Refresher, Renewed
from mtas.core.requests import (
    Request,
    goes_to_login,
    is_allowed,
    is_navigation,
    is_prefetch,
)
from mtas.core.return_to import local_path
from mtas.core.session import Session, Transaction
from mtas.core.user import AccessToken, User

log = logging.getLogger("mtas")
_METHODS: Final = {"login": "GET", "callback": "GET", "logout": "POST", "me": "GET"}
_PASSED_ON: Final = ("prompt", "login_hint", "ui_locales")
_LONGEST_PARAMETER: Final = 4096


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who it is from, and the Set-Cookie lines that its response must carry."""

    request: Request
    session: Session | None = field(default=None, repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)
    error: MtasError | None = None
    """Why a session that is there cannot be used now."""
    answer: Answer | None = None
    """Ready: the app is not asked."""

    @property
    def user(self) -> User | None:
        if self.session is None:
            return None
        return User(self.session.sub, {"sub": self.session.sub, **self.session.user})

    @property
    def access_token(self) -> str | None:
        """For calling an API on the user's behalf; it never goes to the browser."""
        return None if self.session is None else self.session.access_token

    def require_user(self) -> User:
        """Raises: MtasError login_required, or what stands in the way."""
        if self.error is not None:
            raise self.error
        user = self.user
        if user is None:
            raise MtasError("login_required")
        return user


class Bff:
    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.config: Final = config
        self.ticks: Final = ticks
        self._clock = clock
        self._entropy = entropy
        self._client = Client(config, clock, ticks)
        self.jar: Final = CookieJar(config, entropy)
        self._refresher = Refresher(config, self._client, self.jar, clock, entropy)
        self._redemption = Redemption(config, self._client, self.jar, clock, ticks, entropy)
        self._routes = {f"{config.prefix}/{name}": name for name in _METHODS}

    def visit(self, request: Request) -> Flow[Visit]:
        """Who is it? On our own routes the answer is in the result."""
        route = self._routes.get(request.path)
        if route is not None:
            answer = yield from self._answer(route, request)
            return Visit(request, answer=answer)
        cookies = parse_cookies(request.headers.get("cookie", ""))
        session = self.jar.read(cookies, self._clock())
        if session is None:
            return Visit(request)
        if not is_allowed(request.method, request.headers, self.config.app_url):
            return Visit(request, answer=answers.problem(MtasError("csrf")))
        return (yield from self._current(request, cookies, session))

    def render(self, error: MtasError, request: Request) -> Answer:
        """The answer to a refusal: a page load that needs a login is led there."""
        if error.code != "login_required":
            return answers.problem(error)
        if goes_to_login(request.method, request.headers):
            return answers.redirect(self._login_url(request.target))
        return answers.problem(error, login_url=self._login_url())

    def verify_access_token(self, authorization: str | None, scopes: tuple[str, ...]) -> Flow[AccessToken]:
        """From an Authorization header (RFC 6750 §2.1). Raises: MtasError token_…, insufficient_scope."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise MtasError("token_missing")
        verified = yield from self._client.verify_access_token(token.strip(" "))
        missing = [scope for scope in scopes if scope not in verified.scope]
        if missing:
            detail = f"Ask for the scope {' '.join(missing)}."
            raise MtasError("insufficient_scope", detail, scope=" ".join(scopes))
        return verified

    def _current(self, request: Request, cookies: Mapping[str, str], session: Session) -> Flow[Visit]:
        """The session as it stands, refreshed if that is due."""
        now = self._clock()
        if not session.is_due(now, self.config.refresh_before_s):
            return Visit(request, session)
        if session.refresh_token is None:
            if session.is_valid(now):
                return Visit(request, session)
            return Visit(request, cookies=tuple(self.jar.forget(session, cookies)))
        outcome = yield from self._refresher.refresh(session)
        match outcome:
            case Renewed(renewed):
                try:
                    set_cookies = self.jar.renew(renewed, cookies, self._clock())
                except MtasError as error:
                    return Visit(request, cookies=tuple(self.jar.forget(session, cookies)), error=error)
                return Visit(request, renewed, cookies=tuple(set_cookies))
            case Ended():
                return Visit(request, cookies=tuple(self.jar.forget(session, cookies)))
            case Failed(error):
                if session.is_valid(self._clock()):
                    return Visit(request, session)
                return Visit(request, error=error)

    def _answer(self, route: str, request: Request) -> Flow[Answer]:
        if request.method != _METHODS[route]:
            return answers.nothing(405, ("Allow", _METHODS[route]))
        cookies = parse_cookies(request.headers.get("cookie", ""))
        try:
            match route:
                case "login":
                    return (yield from self._login(request, cookies))
                case "callback":
                    return (yield from self._callback(request, cookies))
                case "logout":
                    return (yield from self._logout(request, cookies))
                case _:
                    return (yield from self._me(request, cookies))
        except MtasError as error:
            if error.status >= 500:
                log.warning("%s: %s", route, error)
            is_sign_in = route in ("login", "callback")
            return self._refused(request, error) if is_sign_in else answers.problem(error)

    def _refused(self, request: Request, error: MtasError, return_to: str | None = None) -> Answer:
        """Of a sign-in: somebody who looks at it may try again, and gets to where they wanted to."""
        if is_navigation(request.headers):
            return answers.page(error, self._login_url(return_to))
        return answers.problem(error)

    def _login_url(self, return_to: str | None = None) -> str:
        login = f"{self.config.prefix}/login"
        return f"{login}?returnTo={quote(return_to, safe='/')}" if return_to else login

    def _login(self, request: Request, cookies: Mapping[str, str]) -> Flow[Answer]:
        if is_prefetch(request.headers):
            return answers.nothing(204)
        parameters = _parameters(request.query)
        now = int(self._clock())
        return_to = local_path(parameters.get("returnTo"), self.config.prefix)
        transaction = Transaction(
            state=b64url(self._entropy(32)),
            nonce=b64url(self._entropy(32)),
            code_verifier=b64url(self._entropy(48)),
            return_to=return_to or self.config.default_return_to,
            iat=now,
            exp=now + TRANSACTION_MAX_AGE_S,
        )
        more = {name: parameters[name] for name in _PASSED_ON if parameters.get(name)}
        try:
            location = yield from self._client.authorization_url(transaction, more)
        except MtasError as error:
            log.warning("login: %s", error)
            return self._refused(request, error, transaction.return_to)
        set_cookies = self.jar.begin_transaction(transaction, cookies, now)
        return answers.redirect(location).with_cookies(set_cookies)

    def _callback(self, request: Request, cookies: Mapping[str, str]) -> Flow[Answer]:
        """RFC 6749 §4.1.2, RFC 9207 §2.4, OIDC Core §3.1.2.7; in this order."""
        parameters = _parameters(request.query)
        if parameters.get("iss") != self.config.issuer:
            raise MtasError("issuer_mismatch")
        state = parameters.get("state")
        if not state:
            raise MtasError("state_invalid", "The answer must have one state. Begin again.")
        transaction = self.jar.transaction(state, cookies, self._clock())
        if transaction is None:
            if self.jar.read(cookies, self._clock()) is not None:
                return answers.redirect(self.config.default_return_to)  # the back button
            raise MtasError("state_missing")
        if not secrets.compare_digest(transaction.state.encode(), state.encode()):
            raise MtasError("state_invalid")
        done = self.jar.end_transaction(state)
        try:
            session = yield from self._redemption.redeem(parameters, transaction)
            set_cookies = self.jar.begin(session, cookies, self._clock())
        except MtasError as error:
            log.warning("callback: %s", error)
            refused = self._refused(request, error, transaction.return_to)
            # While the server is away the code is not used up: loading the page again may do.
            return refused if error.code == "server_unavailable" else refused.with_cookies([done])
        return answers.redirect(transaction.return_to).with_cookies([*set_cookies, done])

    def _logout(self, request: Request, cookies: Mapping[str, str]) -> Flow[Answer]:
        """Ends the family at the server, the cookies here, and leads to the server's own logout."""
        if not is_allowed(request.method, request.headers, self.config.app_url):
            raise MtasError("csrf", "Sign out by a form of this app, or send the header X-MTAS-CSRF: 1.")
        session = self.jar.read(cookies, self._clock())
        location: str | None = None
        if session is not None:
            yield from self._redemption.end(session)
            # Once: the revocation goes on when the browser is gone.
            revoked = yield Once(f"revoke {session.lid}", lambda: self._revoke(session))
            if not revoked:
                log.warning("logout: the refresh token could not be revoked; it ends by itself")
            location = yield from self._client.end_session_url(session.id_token)
        location = location or self.config.post_logout_return_to
        answer = (
            answers.redirect(location)
            if is_navigation(request.headers)
            else answers.json(200, {"redirect_to": location})
        )
        return answer.with_cookies(self.jar.end(cookies))

    def _revoke(self, session: Session) -> Flow[Kept]:
        return Kept((yield from self._client.revoke(session.refresh_token or session.access_token)))

    def _me(self, request: Request, cookies: Mapping[str, str]) -> Flow[Answer]:
        session = self.jar.read(cookies, self._clock())
        visit = Visit(request) if session is None else (yield from self._current(request, cookies, session))
        try:
            answer = answers.json(200, {"user": dict(visit.require_user().claims)})
        except MtasError as error:
            login = {"login_url": self._login_url()} if error.code == "login_required" else {}
            answer = answers.problem(error, **login)
        return answer.with_cookies(visit.cookies)


def _parameters(query: str) -> dict[str, str]:
    """Each at most once: a repeated one counts as empty (RFC 6749 §3.1)."""
    parameters: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}
    for name, value in pairs:
        parameters[name] = "" if name in parameters or len(value) > _LONGEST_PARAMETER else value
    return parameters
