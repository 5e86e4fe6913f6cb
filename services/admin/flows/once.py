"""A request that may be sent again: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

The key is claimed, and the answer kept, in the transaction of the change: both happen or neither does. A
second request with the key waits for the first one's transaction, and is given its answer; with another
body it is refused. A refusal is not kept, so whoever corrects the request may send it again.

Answers hold secrets. They are kept sealed, under a key that is derived from the caller's API token, of
which there is only a hash: who reads the database reads no answer, and who lost one asks with the token
that the first answer was for (docs/adr/0018). Requests hold passwords: what is kept to know one again is a
MAC under another such key, so nobody tries passwords against it.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict, Invalid
from services.admin.store import idempotency
from services.admin.store.idempotency import Kept
from shared.db import Connection
from shared.secret import Secret

KEPT_FOR: Final = timedelta(days=1)
_ANSWER: Final = b"mtas idempotent answer v1"
_REQUEST: Final = b"mtas idempotent request v1"
_NONCE: Final = 12


class Replayed(Exception):
    """This was done before: `answer` is what was said then."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer: Final = answer


class KeyUsed(Invalid):
    """The key came with another request."""

    title = "The Idempotency-Key was used for another request"

    def __init__(self) -> None:
        super().__init__("Send each request with a key of its own.")


class Once:
    """One request with its key; `render` makes the answer of what the flow returns."""

    def __init__(
        self, *, actor: str, key: str, token: Secret, request: bytes, render: Callable[[Any], bytes]
    ) -> None:
        self._actor: Final = actor
        self._key_hash: Final = hashlib.sha256(key.encode()).digest()
        self._token: Final = token
        self._request_hash: Final = hmac.digest(self._derive(_REQUEST), request, "sha256")
        self._render: Final = render

    async def begin(self, context: Context, connection: Connection) -> None:
        """First in the transaction of the change. Raises: Replayed, KeyUsed, Conflict."""
        now = context.clock()
        await idempotency.forget_keys(connection, now - KEPT_FOR)
        if await idempotency.claim_key(connection, self._actor, self._key_hash, self._request_hash, now):
            return
        kept = await idempotency.get_kept(connection, self._actor, self._key_hash)
        if kept is None:
            raise KeyUsed
        answer = self._open(kept)
        if not hmac.compare_digest(kept.request_hash, self._request_hash):
            raise KeyUsed
        raise Replayed(answer)

    async def keep(self, context: Context, connection: Connection, result: Any) -> None:
        """Last in it. Once more, later, when there is more to tell."""
        nonce = context.entropy(_NONCE)
        cipher = AESGCM(self._derive(_ANSWER))
        sealed = nonce + cipher.encrypt(nonce, self._render(result), self._request_hash)
        await idempotency.keep_answer(connection, self._actor, self._key_hash, sealed)

    def _open(self, kept: Kept) -> bytes:
        """Raises: Conflict for what was sealed under another token."""
        nonce, sealed = kept.sealed_answer[:_NONCE], kept.sealed_answer[_NONCE:]
        try:
            return AESGCM(self._derive(_ANSWER)).decrypt(nonce, sealed, kept.request_hash)
        except InvalidTag:
            raise Conflict("This was done, and answered to another API token than yours.") from None

    def _derive(self, purpose: bytes) -> bytes:
        """The token is 256 random bits, so one round of derivation is enough (RFC 5869)."""
        derived = HKDF(SHA256(), 32, salt=self._key_hash, info=purpose)
        return derived.derive(self._token.reveal().encode("utf-8", "surrogatepass"))


async def begin(once: Once | None, context: Context, connection: Connection) -> None:
    """For a request without a key: nothing."""
    if once is not None:
        await once.begin(context, connection)


async def keep(once: Once | None, context: Context, connection: Connection, result: Any) -> None:
    if once is not None:
        await once.keep(context, connection, result)
