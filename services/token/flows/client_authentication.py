"""Client authentication (RFC 6749 §2.3): client_secret_basic, client_secret_post, none.

One answer for every cause, and about the same work: an unknown client costs a look-up a second, a
wrong secret too. Client ids are public all the same: they stand in every authorization request.
Nothing is consumed before this has passed.
"""

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec

from services.token import store
from shared.cache import RecordCache
from shared.db import Database
from shared.directory import Directory
from shared.oauth import client_secret
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant
from shared.observations import NO_CLIENT, Observations

_NO_HASHES: Final = (bytes(32),)
_JUST_NOW_S: Final = 1.0


class Presented(msgspec.Struct, frozen=True):
    """What the request says of its client. No secret: a public client, or one that forgot."""

    client_id: str
    secret: str | None


class ClientSecrets:
    """Cached hashes of clients' secrets."""

    def __init__(self, database: Database, *, ttl_s: float | Callable[[], float], size: int = 20_000) -> None:
        self._database = database
        self._hashes: RecordCache[tuple[UUID, str], tuple[store.SecretHash, ...]] = RecordCache(
            self._load, name="client_secrets", ttl_s=ttl_s, size=size
        )

    async def match(self, client: Client, secret: str, now: datetime) -> bytes | None:
        """The secret's hash, when it is one of the client's live ones.

        A well-formed secret that fits none is looked up once more, unless we have just looked:
        it may be newer than the cache.
        """
        presented = client_secret.hash_secret(secret)
        if await self._is_live(client, presented, now, math.inf):
            return presented
        may_be_newer = client_secret.is_well_formed(secret, client_secret.CLIENT_SECRET_PREFIX)
        found = may_be_newer and await self._is_live(client, presented, now, _JUST_NOW_S)
        return presented if found else None

    def forget(self, tenant_id: UUID | None) -> None:
        self._hashes.forget_where(lambda key: tenant_id in (None, key[0]))

    async def _is_live(self, client: Client, presented: bytes, now: datetime, max_age_s: float) -> bool:
        hashes = await self._hashes.get((client.tenant_id, client.client_id), max_age_s=max_age_s) or ()
        live = [each.secret_hash for each in hashes if each.expires_at is None or each.expires_at > now]
        return client_secret.matches_any(presented, live)

    async def _load(self, of: tuple[UUID, str]) -> tuple[store.SecretHash, ...]:
        async with self._database.connection() as connection:
            return await store.list_client_secrets(connection, *of)


def read_credentials(authorization: str | None, params: Params) -> Presented:
    """Find the client's credentials. Raises: OAuthError invalid_request, invalid_client."""
    if params.get("client_assertion") or params.get("client_assertion_type"):
        raise _refusal("client assertions are not supported here")
    posted_id, posted_secret = params.get("client_id"), params.get("client_secret")
    if authorization is None:
        if posted_id is None:
            raise _refusal("no client credentials")
        return Presented(posted_id, posted_secret)
    basic = _read_basic(authorization)
    if posted_secret is not None:
        raise OAuthError("invalid_request", "two ways of client authentication at once")  # RFC 6749 §2.3
    if posted_id is not None and posted_id != basic.client_id:
        raise OAuthError("invalid_request", "client_id differs from the authenticated client")
    return basic


async def authenticate(
    tenant: Tenant,
    presented: Presented,
    directory: Directory,
    secrets: ClientSecrets,
    observations: Observations,
    now: datetime,
) -> Client:
    """The client, proven. Raises: OAuthError invalid_client, the same for every cause."""
    client = await directory.client(tenant.tenant_id, presented.client_id)
    if client is None:
        client_secret.matches_any(client_secret.hash_secret(presented.secret or ""), _NO_HASHES)
        observations.note(tenant.tenant_id, NO_CLIENT, "unknown_client", now)
        raise _refusal("unknown client")
    if client.is_confidential:
        if presented.secret is None:
            observations.note(tenant.tenant_id, client.client_id, "secret_missing", now)
            raise _refusal("confidential client without its secret")
        secret_hash = await secrets.match(client, presented.secret, now)
        if secret_hash is None:
            observations.note(tenant.tenant_id, client.client_id, "wrong_secret", now)
            raise _refusal("wrong secret")
        observations.note_secret(tenant.tenant_id, client.client_id, secret_hash, now)
    elif presented.secret is not None:
        raise _refusal("public client with a secret")
    if client.disabled_at is not None or tenant.disabled_at is not None:
        raise _refusal("disabled")
    return client


def _read_basic(authorization: str) -> Presented:
    """RFC 7617, with both parts form-encoded first (RFC 6749 §2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _refusal("authorization scheme is not Basic")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except ValueError:
        raise _refusal("Basic credentials cannot be decoded") from None
    client_id, colon, secret = decoded.partition(":")
    if not colon or not client_id:
        raise _refusal("Basic credentials without a client")
    return Presented(unquote_plus(client_id), unquote_plus(secret) or None)


def _refusal(reason: str) -> OAuthError:
    return OAuthError("invalid_client", "client authentication failed", reason=reason)
