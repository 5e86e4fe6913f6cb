"""Refresh before the access token ends: one flight a session, its result shared (RFC 6749 §6).

Which requests get which generation is decided here; that there is one flight is the driver's part (`Once`).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from mtas.core import jwt
from mtas.core.client import Client, GrantRefused, Tokens
from mtas.core.config import Config
from mtas.core.cookie_jar import CookieJar
from mtas.core.effects import Flow, Kept, Once
from mtas.core.errors import MtasError
from mtas.core.names import LAST_GENERATION
from mtas.core.session import PROTOCOL_CLAIMS, Session
from mtas.core.sharing import KEEP_S, Sharing

log = logging.getLogger("mtas")
_BACK_OFF_S: Final = 2
_ENDED: Final = "ended"


@dataclass(frozen=True, slots=True)
class Renewed:
    """The next generation."""

    session: Session


@dataclass(frozen=True, slots=True)
class Ended:
    """The server, or our own check, ended it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing is known: the session goes on while its access token does."""

    error: MtasError


Outcome = Renewed | Ended | Failed


class Refresher:
    def __init__(
        self,
        config: Config,
        client: Client,
        jar: CookieJar,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._client = client
        self._jar = jar
        self._clock = clock
        self._sharing = Sharing(config, entropy)

    def refresh(self, session: Session) -> Flow[Outcome]:
        """What became of it; whoever asks for the same session within ten seconds is told the same."""
        outcome = yield Once(f"refresh {session.lid}.{session.gen}", lambda: self._flight(session))
        assert isinstance(outcome, Outcome)
        if isinstance(outcome, Renewed) and outcome.session.sub != session.sub:
            return Ended()  # cannot be: a lid is one login's
        return outcome

    def _flight(self, session: Session) -> Flow[Kept]:
        outcome = yield from self._shared(session)
        return Kept(outcome, _BACK_OFF_S if isinstance(outcome, Failed) else KEEP_S)

    def _shared(self, session: Session) -> Flow[Outcome]:
        """One for all processes; without a store in common the server's grace serves."""
        return (
            yield from self._sharing.once(
                "refresh",
                f"{session.lid}.{session.gen}",
                lambda: self._ask(session),
                read=lambda value: self._read_shared(value, session),
                write=self._write_shared,
            )
        )

    def _read_shared(self, value: Any, session: Session) -> Outcome | None:
        if value == _ENDED:
            return Ended()
        renewed = self._jar.open(value, self._clock()) if isinstance(value, str) else None
        if renewed is None or (renewed.lid, renewed.gen, renewed.sub) != (
            session.lid,
            session.gen + 1,
            session.sub,
        ):
            return None
        return Renewed(renewed)

    def _write_shared(self, outcome: Outcome) -> str | None:
        match outcome:
            case Renewed(renewed):
                return self._jar.seal(renewed)
            case Ended():
                return _ENDED
            case Failed():
                return None

    def _ask(self, session: Session) -> Flow[Outcome]:
        assert session.refresh_token is not None
        if session.gen >= LAST_GENERATION:
            return Ended()
        try:
            tokens = yield from self._client.refresh(session.refresh_token)
            return Renewed((yield from self._next(session, tokens)))
        except GrantRefused:
            return Ended()
        except jwt.TokenError as error:
            log.warning("a session was ended: the ID token of its refresh is refused: %s", error)
            return Ended()
        except MtasError as error:
            log.warning("a refresh failed: %s", error.code)
            return Failed(MtasError("server_unavailable") if error.code == "code_rejected" else error)

    def _next(self, session: Session, tokens: Tokens) -> Flow[Session]:
        """Raises: TokenError when a new ID token is not this user's, or not to be believed."""
        now = int(self._clock())
        renewed = replace(
            session,
            gen=session.gen + 1,
            access_token=tokens.access_token,
            access_token_exp=now + tokens.expires_in,
            refresh_token=tokens.refresh_token or session.refresh_token,
            scope=tokens.scope or session.scope,
            iat=now,
        )
        if tokens.id_token is None:
            return renewed
        try:
            claims = yield from self._client.verify_id_token(tokens, nonce=None)
        except (MtasError, jwt.UndecidedError):
            return renewed  # the keys or the clock: it says nothing about the grant, and what we know stays
        if claims["sub"] != session.sub:
            raise jwt.TokenError("it is another user's (OIDC Core §12.2)")
        return replace(renewed, id_token=tokens.id_token, user=user_claims(claims))


def user_claims(claims: dict[str, Any]) -> dict[str, Any]:
    """What an ID token says about the user."""
    return {name: value for name, value in claims.items() if name not in PROTOCOL_CLAIMS}
