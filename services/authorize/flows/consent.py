"""Consent (OpenID Connect Core §3.1.2.4): third parties' clients ask once a scope and where it is to be good.

That is the API they name (RFC 8707 §2), or the app itself where they name none: a token for the one is none
for the other. The app's own clients need none: whoever uses the app has chosen it. `prompt=consent` asks
for all.
"""

from services.authorize.flows.authorization_request import AuthorizationRequest
from services.authorize.flows.context import Context
from services.authorize.flows.interaction import Interaction, keep_answer
from services.authorize.store import Session, account
from shared.events.catalog import ConsentGiven
from shared.events.outbox import insert_event
from shared.oauth.types import Client, Tenant


async def needs_consent(
    context: Context, tenant: Tenant, session: Session, client: Client, request: AuthorizationRequest
) -> bool:
    """Does it ask for more than this user has allowed it before?"""
    if not client.is_third_party:
        return False
    async with context.database.tenant(tenant.tenant_id) as connection:
        allowed = await account.get_consent(connection, tenant.tenant_id, session.user_id, client.client_id)
    if allowed is None:
        return True
    scope, scope_at_resources = allowed
    if request.resource is None:
        return not scope.issuperset(request.scope)
    return not scope_at_resources.issuperset(_at_resource(request))


async def give_consent(
    context: Context, tenant: Tenant, session: Session, client: Client, interaction: Interaction
) -> None:
    """For this request; and for the next ones, where it would be asked again. Raises: InteractionGone."""
    await keep_answer(context, tenant, interaction, consented=session.session_id)
    if not client.is_third_party:
        return
    tenant_id, request, now = tenant.tenant_id, interaction.request, context.clock()
    scope, at_resource = ((), _at_resource(request)) if request.resource else (request.scope, ())
    async with context.database.tenant(tenant_id) as connection:
        if await account.insert_consent(
            connection, tenant_id, session.user_id, client.client_id, scope, at_resource, now
        ):
            event = ConsentGiven(client_id=client.client_id, scope=request.scope)
            await insert_event(connection, tenant_id, session.user_id, event, now)
    context.relay.nudge()


def _at_resource(request: AuthorizationRequest) -> tuple[str, ...]:
    """Neither has a space (RFC 6749 §3.3, RFC 3986), so one between them parts the two."""
    return tuple(f"{each} {request.resource}" for each in request.scope)
