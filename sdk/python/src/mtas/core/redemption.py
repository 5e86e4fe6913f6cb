"""A code becomes a session (RFC 6749 §4.1.3, OIDC Core §3.1.2.7): once, however often its callback is called.

A browser calls twice when somebody clicks twice, or follows what it looked ahead at. A code is good once:
presented again, the server ends what came of it (RFC 6749 §4.1.2). So whoever comes within ten seconds with
the same code and the same login's cookie is given the same session, unless it was signed out by then. Who has
no such cookie does not get here.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from mtas.core import jwt
from mtas.core.client import Client, GrantRefused, Tokens
from mtas.core.config import Config
from mtas.core.cookie_jar import CookieJar
from mtas.core.effects import Flow, Kept, Once
from mtas.core.encoding import b64url, json_object
from mtas.core.errors import MtasError
from mtas.core.refresh import user_claims
from mtas.core.session import Session, Transaction
from mtas.core.sharing import KEEP_S, Sharing

_LONGEST_TOLD_CODE = 64


class Redemption:
    def __init__(
        self,
        config: Config,
        client: Client,
        jar: CookieJar,
        clock: Callable[[], float],
        ticks: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._client = client
        self._jar = jar
        self._clock = clock
        self._ticks = ticks
        self._entropy = entropy
        self._sharing = Sharing(config, entropy)
        self._ended: dict[str, float] = {}
        """By login, those of the last ten seconds, the oldest first: until when it is to be remembered."""

    def redeem(self, parameters: Mapping[str, str], transaction: Transaction) -> Flow[Session]:
        """`parameters` of the callback, whose state is the transaction's. Raises: MtasError."""
        if "error" in parameters:
            raise MtasError("authorization_refused", _told(parameters["error"]))
        code = parameters.get("code")
        if not code:
            raise MtasError("code_rejected", "There is no code. Begin again.")
        name = f"{code}.{transaction.code_verifier}"
        outcome = yield Once(f"callback {name}", lambda: self._flight(name, code, transaction))
        if isinstance(outcome, MtasError):
            raise copy.copy(outcome)
        assert isinstance(outcome, Session)
        if (yield from self._has_ended(outcome)):
            raise MtasError("code_rejected", "It was signed out. Begin again.")
        return outcome

    def end(self, session: Session) -> Flow[None]:
        """It was signed out: a callback of its login that is still on its way does not bring it back."""
        now = self._ticks()
        for lid in [lid for lid, until in list(self._ended.items()) if until <= now]:
            self._ended.pop(lid, None)
        self._ended[session.lid] = now + KEEP_S
        yield from self._sharing.tell("ended", session.lid, "ended")

    def _has_ended(self, session: Session) -> Flow[bool]:
        if self._ended.get(session.lid, 0.0) > self._ticks():
            return True
        return (yield from self._sharing.told("ended", session.lid)) is not None

    def _flight(self, name: str, code: str, transaction: Transaction) -> Flow[Kept]:
        outcome = yield from self._sharing.once(
            "callback",
            name,
            lambda: self._ask(code, transaction),
            read=lambda value: self._read(value, transaction),
            write=lambda outcome: self._jar.seal(outcome) if isinstance(outcome, Session) else None,
        )
        # While the server is away the code is not used up: it may be tried again.
        is_open = isinstance(outcome, MtasError) and outcome.code == "server_unavailable"
        return Kept(outcome, 0 if is_open else KEEP_S)

    def _read(self, value: Any, transaction: Transaction) -> Session | MtasError | None:
        """What another process left, if it is this login's: its ID token has the nonce."""
        session = self._jar.open(value, self._clock()) if isinstance(value, str) else None
        if session is None or session.gen != 0:
            return None
        nonce = json_object(jwt.parse(session.id_token).payload).get("nonce")
        return session if nonce == transaction.nonce else None

    def _ask(self, code: str, transaction: Transaction) -> Flow[Session | MtasError]:
        try:
            tokens = yield from self._client.redeem(code, transaction.code_verifier)
            if tokens.id_token is None:
                return MtasError("id_token_invalid")
            claims = yield from self._client.verify_id_token(tokens, transaction.nonce)
        except GrantRefused:
            return MtasError("code_rejected")
        except jwt.TokenError as error:
            return MtasError("id_token_invalid", f"The ID token is refused: {error}. Sign in again.")
        except MtasError as error:
            return error
        return self._session(tokens, claims)

    def _session(self, tokens: Tokens, claims: dict[str, object]) -> Session:
        now = int(self._clock())
        sid, auth_time = claims.get("sid"), claims.get("auth_time")
        return Session(
            lid=b64url(self._entropy(9)),
            gen=0,
            sub=str(claims["sub"]),
            user=user_claims(claims),
            sid=sid if isinstance(sid, str) else None,
            auth_time=int(auth_time) if isinstance(auth_time, int | float) else None,
            access_token=tokens.access_token,
            access_token_exp=now + tokens.expires_in,
            refresh_token=tokens.refresh_token,
            id_token=tokens.id_token or "",
            scope=tokens.scope or self._config.scope,
            iat=now,
            exp=now + self._config.session_max_age_s,
        )


def _told(code: str) -> str:
    """The server's error code, if it is one: it comes through the browser, so it is not repeated blindly."""
    if code == "access_denied":
        return "You, or the server, declined."
    plain = code.isascii() and code.replace("_", "").isalpha() and len(code) <= _LONGEST_TOLD_CODE
    return f"The server answered {code if plain else 'an error'}."
