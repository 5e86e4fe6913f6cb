"""Sign out at a client's wish (OpenID Connect RP-Initiated Logout 1.0).

An ID token of the signed-in user shows that the client means them, and ends the session at once.
Anything less and the user is asked. A redirect back is only to a URI that the client registered.
"""

import msgspec

from services.authorize.flows.authorization_request import MAX_STATE_LENGTH
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.id_token_hint import IdTokenHint, read_id_token_hint
from services.authorize.flows.outcome import with_query
from services.authorize.flows.sessions import current_session, end_session
from services.authorize.store import Session
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes afterwards: registered by the client."""

    client: Client
    post_logout_redirect_uri: str
    state: str | None

    @property
    def location(self) -> str:
        return with_query(self.post_logout_redirect_uri, {"state": self.state} if self.state else {})


class SignedOut(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is signed in any more."""

    back: Return | None


class Confirm(msgspec.Struct, frozen=True, kw_only=True):
    """The user is asked whether they meant it."""

    session: Session
    back: Return | None


async def logout(context: Context, tenant: Tenant, visitor: Visitor, params: Params) -> SignedOut | Confirm:
    """A client, or a person, asks to sign out. Raises: OAuthError when a parameter is repeated."""
    params.refuse_repeated()
    session = await current_session(context, tenant, visitor.session_token)
    hint = await _read_hint(context, tenant, params)
    back = await find_return(context, tenant, _client_id(params, hint), params)
    if session is None:
        return SignedOut(back=back)
    asked_for_another_place = params.get("post_logout_redirect_uri") is not None and back is None
    if hint is None or hint.user_id != session.user_id or asked_for_another_place:
        return Confirm(session=session, back=back)
    await end_session(context, tenant, visitor.session_token)
    return SignedOut(back=back)


async def find_return(
    context: Context, tenant: Tenant, client_id: str | None, params: Params
) -> Return | None:
    """The way back, when the client has registered it, character by character; else none."""
    uri = params.get("post_logout_redirect_uri")
    if uri is None or client_id is None:
        return None
    client = await context.directory.client(tenant.tenant_id, client_id)
    if client is None or client.disabled_at is not None or uri not in client.post_logout_redirect_uris:
        return None
    state = params.get("state")
    if state is not None and len(state) > MAX_STATE_LENGTH:
        return None
    return Return(client=client, post_logout_redirect_uri=uri, state=state)


async def _read_hint(context: Context, tenant: Tenant, params: Params) -> IdTokenHint | None:
    """None when there is none, or none of ours: then the user is asked."""
    hint = params.get("id_token_hint")
    if hint is None:
        return None
    try:
        return await read_id_token_hint(context, tenant, hint)
    except OAuthError:
        return None


def _client_id(params: Params, hint: IdTokenHint | None) -> str | None:
    """The client that asks: the hint's, and client_id must agree (RP-Initiated Logout 1.0 §2)."""
    client_id = params.get("client_id")
    if hint is None:
        # Forged or another tenant's, a hint that does not verify speaks for nobody.
        return client_id if params.get("id_token_hint") is None else None
    if client_id is None:
        return hint.audience[0] if len(hint.audience) == 1 else None
    return client_id if client_id in hint.audience else None
