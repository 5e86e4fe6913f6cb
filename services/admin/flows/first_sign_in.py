"""How far an app is on its way to the first sign-in, what stood in the way, and its fix (docs/adr/0014)."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from services.admin.flows.access import Principal, Right, lock_client, open_app
from services.admin.flows.context import Context
from services.admin.flows.refused import Conflict
from services.admin.flows.update_client import UpdateClient, change_client
from services.admin.store import clients, observations
from services.admin.store.apps import App
from services.admin.store.clients import AppClient
from services.admin.store.observations import Observation
from shared.oauth.redirect_uri import check_redirect_uri

RECENT: Final = timedelta(minutes=15)
_MOST_CLIENTS: Final = 50
_MOST_URIS: Final = 50
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A recent refusal. `may_add`: what was sent is so surely the app's own that one click may add it."""

    seen: Observation
    client: AppClient | None
    may_add: bool


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`redeemed_at` is None until a user has signed in and the app has redeemed the code."""

    app: App
    client: AppClient
    rights: frozenset[Right]
    redeemed_at: datetime | None
    troubles: tuple[Trouble, ...]
    now: datetime


async def show_progress(context: Context, principal: Principal, app_id: str) -> Progress:
    """Troubles of the last minutes, newest first; those from before a success are over. Raises: NotFound."""
    now = context.clock()
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        connection, tenant_id = opened.connection, opened.app.tenant_id
        first = await clients.get_client(connection, tenant_id, opened.app.slug)
        assert first is not None, "an app's first client is never deleted"
        redeemed_at = await observations.last_redeemed_at(connection, tenant_id)
        since = max(now - RECENT, redeemed_at or now - RECENT)
        seen = await observations.list_observations(connection, tenant_id, since)
        listed = await clients.list_clients(connection, tenant_id, None, _MOST_CLIENTS)
    known = {client.client_id: client for client in [*listed, first]}
    return Progress(
        app=opened.app,
        client=first,
        rights=opened.rights,
        redeemed_at=redeemed_at,
        troubles=tuple(_trouble(each, known.get(each.client_id)) for each in seen if _is_trouble(each)),
        now=now,
    )


async def add_callback(
    context: Context, principal: Principal, app_id: str, client_id: str, uri: str
) -> AppClient:
    """Register the redirect_uri that the app was seen to send, if that is still what was shown.

    Raises: NotFound, Forbidden, Invalid, Conflict.
    """
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        client = await lock_client(opened, client_id)
        seen = await observations.get_observation(
            opened.connection, client.tenant_id, client_id, "redirect_uri"
        )
        if seen is None or seen.detail != uri or not may_add(uri, client):
            raise Conflict("This is not what your app sent last. Look again, then add it.")
        wanted = UpdateClient(redirect_uris=(*client.redirect_uris, uri))
        changed = await change_client(context, principal, opened, client, wanted)
        await observations.delete_observation(opened.connection, client.tenant_id, client_id, "redirect_uri")
        return changed


def may_add(uri: str, client: AppClient) -> bool:
    """Anybody can send a redirect_uri, so one click adds only what no stranger could receive at.

    That is the client's own origin, without a query that might lead on from there; or this machine,
    while the client is on no other.
    """
    try:
        check_redirect_uri(uri, native=client.is_native)
    except ValueError:
        return False
    if uri in client.redirect_uris or len(client.redirect_uris) >= _MOST_URIS:
        return False
    if _origin(uri) in {_origin(known) for known in client.redirect_uris}:
        return "?" not in uri
    return _is_here(uri) and all(_is_here(known) for known in client.redirect_uris)


def _is_trouble(seen: Observation) -> bool:
    return seen.kind != "code_redeemed"


def _trouble(seen: Observation, client: AppClient | None) -> Trouble:
    addable = seen.kind == "redirect_uri" and client is not None and seen.detail is not None
    return Trouble(
        seen=seen,
        client=client,
        may_add=addable and client is not None and may_add(seen.detail or "", client),
    )


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else uri


def _is_here(uri: str) -> bool:
    return urlsplit(uri).hostname in _THIS_MACHINE
