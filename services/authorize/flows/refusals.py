"""Note what the dashboard tells an app's developer about a refused authorization request (docs/adr/0014)."""

from services.authorize.flows.context import Context
from services.authorize.flows.outcome import NotRegistered, Unproven
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant
from shared.observations import NO_CLIENT, Kind


def note_unproven(
    context: Context, tenant: Tenant, client: Client | None, params: Params, refusal: Unproven
) -> None:
    """Of a stranger's text only what could be a client_id or a redirect_uri is kept."""
    now = context.clock()
    if client is None:
        sent = _plain(params.get("client_id"))
        context.observations.note(tenant.tenant_id, NO_CLIENT, "unknown_client", now, sent)
    elif isinstance(refusal, NotRegistered):
        sent = _plain(params.get("redirect_uri"))
        context.observations.note(tenant.tenant_id, client.client_id, "redirect_uri", now, sent)
    else:
        context.observations.note(tenant.tenant_id, client.client_id, "request", now, refusal.description)


def note_refused(context: Context, tenant: Tenant, client: Client, error: OAuthError) -> None:
    context.observations.note(
        tenant.tenant_id, client.client_id, _kind(error), context.clock(), error.description
    )


def _kind(error: OAuthError) -> Kind:
    if error.code == "invalid_scope":
        return "scope"
    return "pkce" if error.description.startswith("code_challenge") else "request"


def _plain(text: str | None) -> str | None:
    return text if text is not None and text.isascii() and text.isprintable() else None
