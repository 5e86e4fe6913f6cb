"""Both cookies of one app: from a request's cookies to what they hold, and to Set-Cookie lines."""

from collections.abc import Callable, Mapping
from typing import Final

from mtas.core import sealing
from mtas.core.chunks import read_chunks, write_chunks
from mtas.core.config import Config
from mtas.core.names import Names
from mtas.core.session import Session, Transaction, read_session, read_transaction

TRANSACTION_MAX_AGE_S: Final = 600
_MOST_OLDER_TRANSACTIONS: Final = 4
_LARGEST_OLDER_TRANSACTIONS: Final = 4096
"""Of their values together: servers refuse a request whose headers are too long, 16 KB in Node."""


class CookieJar:
    def __init__(self, config: Config, entropy: Callable[[int], bytes]) -> None:
        self._names = Names(config.app_id, secure=config.is_secure)
        self._sessions = sealing.Sealer(config.cookie_secrets, sealing.SESSION, config.issuer, config.app_id)
        self._transactions = sealing.Sealer(
            config.cookie_secrets, sealing.TRANSACTION, config.issuer, config.app_id
        )
        self._entropy = entropy
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if config.is_secure else "")

    def read(self, cookies: Mapping[str, str], now: float) -> Session | None:
        """The session that these cookies hold. Anything that does not open is as if it were not there."""
        for gen in self._names.candidates(cookies):
            lid = cookies[self._names.pointer]
            value = read_chunks(self._names.session(lid, gen), cookies)
            session = self.open(value, now) if value is not None else None
            if session is not None and session.lid == lid and session.gen == gen:
                return session
        return None

    def open(self, sealed: str, now: float) -> Session | None:
        return read_session(self._sessions.open(sealed), now)

    def seal(self, session: Session) -> str:
        return self._sessions.seal(session.claims(), self._entropy(sealing.IV_LENGTH))

    def begin(self, session: Session, cookies: Mapping[str, str], now: float) -> list[str]:
        """A login: the pointer, the session, and no other session. Raises: MtasError session_too_large."""
        written = self._write(session, now)
        pointer = self._set(self._names.pointer, session.lid, session.exp - now)
        return [pointer, *written, *map(self._delete, self._names.all_sessions(cookies))]

    def renew(self, session: Session, cookies: Mapping[str, str], now: float) -> list[str]:
        """A refresh: the next generation beside a pointer that stays. Raises: MtasError session_too_large."""
        older = self._names.older(cookies, session.lid, session.gen)
        return [*self._write(session, now), *map(self._delete, older)]

    def forget(self, session: Session, cookies: Mapping[str, str]) -> list[str]:
        """This session is over, found when it was used. The pointer stays: once this answer arrives, it may
        be another login's."""
        return [self._delete(name) for name in self._names.older(cookies, session.lid, session.gen + 1)]

    def end(self, cookies: Mapping[str, str]) -> list[str]:
        """A logout: nobody is signed in any more."""
        names = self._names.all_sessions(cookies)
        if self._names.pointer in cookies:
            names.insert(0, self._names.pointer)
        return [self._delete(name) for name in names]

    def begin_transaction(
        self, transaction: Transaction, cookies: Mapping[str, str], now: float
    ) -> list[str]:
        """A login's cookie, beside those of the newest others, four at most: each tab has its own."""
        others = {
            name: self._open_transaction(cookies[name], now) for name in self._transaction_names(cookies)
        }
        newest = sorted(others, key=lambda name: -other.iat if (other := others[name]) else 1)
        kept = [name for name in newest[:_MOST_OLDER_TRANSACTIONS] if others[name] is not None]
        while sum(len(cookies[name]) for name in kept) > _LARGEST_OLDER_TRANSACTIONS:
            kept.pop()
        sealed = self._transactions.seal(transaction.claims(), self._entropy(sealing.IV_LENGTH))
        name = self._names.transaction(transaction.state)
        return [
            self._set(name, sealed, TRANSACTION_MAX_AGE_S),
            *(self._delete(other) for other in others if other not in kept),
        ]

    def transaction(self, state: str, cookies: Mapping[str, str], now: float) -> Transaction | None:
        value = cookies.get(self._names.transaction(state))
        return None if value is None else self._open_transaction(value, now)

    def end_transaction(self, state: str) -> str:
        return self._delete(self._names.transaction(state))

    def _transaction_names(self, cookies: Mapping[str, str]) -> list[str]:
        return self._names.transactions(cookies)

    def _open_transaction(self, value: str, now: float) -> Transaction | None:
        return read_transaction(self._transactions.open(value), now)

    def _write(self, session: Session, now: float) -> list[str]:
        cookies = write_chunks(self._names.session(session.lid, session.gen), self.seal(session))
        return [self._set(name, value, session.exp - now) for name, value in cookies.items()]

    def _set(self, name: str, value: str, max_age_s: float) -> str:
        return f"{name}={value}{self._attributes}; Max-Age={max(0, int(max_age_s))}"

    def _delete(self, name: str) -> str:
        return f"{name}={self._attributes}; Max-Age=0"
