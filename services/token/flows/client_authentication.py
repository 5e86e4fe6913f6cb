"""Client authentication (RFC 6749 §2.3): client_secret_basic, client_secret_post, none.

One answer for every cause, and about the same work: an unknown client costs a look-up a second, a
wrong secret too. Client ids are public all the same: they stand in every authorization request.
Nothing is consumed before this has passed.
"""

import base64
from datetime import datetime
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from services.token.flows.clients import Clients
from services.token.store import RegisteredClient, SecretHash
from shared.oauth import client_secret
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant
from shared.observations import NO_CLIENT, Observations

_NO_HASH: Final = bytes(32)
_JUST_NOW_S: Final = 1.0


class Presented(msgspec.Struct, frozen=True):
    """What the request says of its client. No secret: a public client, or one that forgot."""

    client_id: str
    secret: str | None


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
    tenant: Tenant, presented: Presented, clients: Clients, observations: Observations, now: datetime
) -> Client:
    """The client, proven. Raises: OAuthError invalid_client, the same for every cause."""
    registered = await clients.get(tenant.tenant_id, presented.client_id)
    if registered is None:
        client_secret.matches(client_secret.hash_secret(presented.secret or ""), _NO_HASH)
        observations.note(tenant.tenant_id, NO_CLIENT, "unknown_client", now)
        raise _refusal("unknown client")
    if not registered.client.is_confidential:
        if presented.secret is not None:
            raise _refusal("public client with a secret")
    elif presented.secret is None:
        observations.note(tenant.tenant_id, presented.client_id, "secret_missing", now)
        raise _refusal("confidential client without its secret")
    else:
        registered, secret = await _find_secret(registered, presented.secret, clients, now)
        if secret is None:
            observations.note(tenant.tenant_id, presented.client_id, "wrong_secret", now)
            raise _refusal("wrong secret")
        observations.note_secret(tenant.tenant_id, presented.client_id, secret, now)
    if registered.client.disabled_at is not None or tenant.disabled_at is not None:
        raise _refusal("disabled")
    return registered.client


async def _find_secret(
    registered: RegisteredClient, presented: str, clients: Clients, now: datetime
) -> tuple[RegisteredClient, SecretHash | None]:
    """Which of the client's live secrets this is, and the client as it was registered with that.

    A well-formed secret that is none of them is looked up once more, unless we have just looked:
    it may be newer than the cache.
    """
    presented_hash = client_secret.hash_secret(presented)
    found = _find(registered, presented_hash, now)
    if found is None and client_secret.is_well_formed(presented, client_secret.CLIENT_SECRET_PREFIX):
        client = registered.client
        newer = await clients.get(client.tenant_id, client.client_id, max_age_s=_JUST_NOW_S)
        if newer is not None:
            return newer, _find(newer, presented_hash, now)
    return registered, found


def _find(registered: RegisteredClient, presented_hash: bytes, now: datetime) -> SecretHash | None:
    """Each is compared, whichever it is."""
    secrets = registered.secrets
    live = [each for each in secrets if each.expires_at is None or each.expires_at > now]
    same = [each for each in live if client_secret.matches(presented_hash, each.secret_hash)]
    return same[0] if same else None


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
