"""Names of the cookies, reading a Cookie header, and which of many is the session.

A login has an id, `lid`, that only its pointer cookie names; each refresh writes the next generation under
another name. So a late answer, to a request from before a refresh, a logout or another login, can bring
back nothing: it writes an older generation, or one that no pointer names.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from mtas.core.encoding import b64url

LAST_GENERATION: Final = 2**31 - 1
_MOST_CANDIDATES: Final = 8
_LID: Final = re.compile(r"[A-Za-z0-9_-]{12}")
_GENERATION: Final = r"(0|[1-9][0-9]{0,9})"


def is_lid(text: str) -> bool:
    return _LID.fullmatch(text) is not None


def parse_cookies(header: str) -> dict[str, str]:
    """Name and value as they were sent; of two with one name the first counts (RFC 6265 §5.4)."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if equals and name:
            cookies.setdefault(name, value.strip(" \t"))
    return cookies


class Names:
    """The names of one app's cookies. `__Host-` pins them to this host, https and the whole path."""

    def __init__(self, app_id: str, *, secure: bool) -> None:
        prefix = "__Host-" if secure else ""
        self.pointer: Final = f"{prefix}mtas_{app_id}"
        self._transaction: Final = f"{prefix}mtas_tx_{app_id}."
        self._any_transaction: Final = re.compile(re.escape(self._transaction) + r"[A-Za-z0-9_-]{16}")
        self._any_session: Final = re.compile(
            re.escape(self.pointer) + r"\.([A-Za-z0-9_-]{12})\." + _GENERATION + r"(\.[0-4])?", re.ASCII
        )

    def session(self, lid: str, gen: int) -> str:
        return f"{self.pointer}.{lid}.{gen}"

    def transaction(self, state: str) -> str:
        return self._transaction + b64url(hashlib.sha256(state.encode()).digest())[:16]

    def transactions(self, cookies: Mapping[str, str]) -> list[str]:
        """Ours only: what else begins so may hold what no Set-Cookie can."""
        return [name for name in cookies if self._any_transaction.fullmatch(name)]

    def candidates(self, cookies: Mapping[str, str]) -> list[int]:
        """The generations of the pointer's login, the highest first, at most eight."""
        lid = cookies.get(self.pointer, "")
        if not is_lid(lid):
            return []
        return sorted(self._generations(cookies, lid), reverse=True)[:_MOST_CANDIDATES]

    def _generations(self, cookies: Mapping[str, str], lid: str) -> set[int]:
        return {
            int(match[2])
            for match in self._sessions(cookies)
            if match[1] == lid and match[3] in (None, ".0") and int(match[2]) <= LAST_GENERATION
        }

    def older(self, cookies: Mapping[str, str], lid: str, gen: int) -> list[str]:
        """The cookies of this login's generations before `gen`, chunks and all."""
        return [match.string for match in self._sessions(cookies) if match[1] == lid and int(match[2]) < gen]

    def all_sessions(self, cookies: Mapping[str, str]) -> list[str]:
        return [match.string for match in self._sessions(cookies)]

    def _sessions(self, cookies: Mapping[str, str]) -> Iterable[re.Match[str]]:
        beginning = self.pointer + "."
        for name in cookies:
            if name.startswith(beginning) and (match := self._any_session.fullmatch(name)) is not None:
                yield match
