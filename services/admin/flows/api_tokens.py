"""API tokens: a developer's rights for a script, within a scope and perhaps one app (RFC 6750).

`mtas_at_…`, 256 random bits and a checksum; stored as SHA-256, shown once. Its developer's account and
role are looked at with every request, so a token loses what its developer loses.

A token cannot make tokens: one that leaked cannot outlive its own end. Whoever gave their password
lately can, at the dashboard, and so can the operator, for anybody.
"""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
import structlog

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key, is_email
from services.admin.flows.once import Once, begin, keep
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_id, check_limit, page
from services.admin.flows.refused import Checks, Forbidden, NotFound
from services.admin.store import api_tokens, apps, developers
from services.admin.store.api_tokens import ApiToken
from shared.db import Connection
from shared.events.catalog import ApiTokenCreated, ApiTokenRevoked, Event
from shared.events.outbox import insert_event
from shared.oauth.client_secret import API_TOKEN_PREFIX, generate, hash_secret, is_well_formed
from shared.secret import Secret
from shared.settings import Doc

log = structlog.get_logger()

MIN_LIFETIME_S: Final = 60
MAX_LIFETIME_S: Final = 366 * 86_400
_TOUCH_EVERY: Final = timedelta(minutes=1)


class CreateApiToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose token it is, what it may do, where, and for how long."""

    name: Annotated[str, Doc(description="Tells it from others. At most 80 characters.")]
    scope: Annotated[tuple[ApiScope, ...], Doc(description="What it may do, within its developer's role.")]
    developer: Annotated[str, Doc(description="Email address of the developer whose token it is.")]
    app_id: Annotated[
        str | None, Doc(description="The one app that it is for; null: every app of the developer.")
    ] = None
    expires_in_s: Annotated[
        int | None, Doc(description=f"{MIN_LIFETIME_S} to {MAX_LIFETIME_S}; null: until it is revoked.")
    ] = None


class CreatedApiToken(msgspec.Struct, frozen=True, kw_only=True):
    api_token: ApiToken
    token: Secret


async def get_principal(context: Context, token: str) -> Principal | None:
    """Whose live token this is, and what it may do. None for any other text."""
    if not is_well_formed(token, API_TOKEN_PREFIX):
        return None
    now = context.clock()
    async with context.database.connection() as connection:
        found = await api_tokens.find_api_token(connection, hash_secret(token), now)
        if found is None:
            return None
        if found.last_used_at is None or now - found.last_used_at >= _TOUCH_EVERY:
            await api_tokens.touch_api_token(connection, found.token_id, now)
    return Principal(
        actor=f"developer:{found.developer_id}/token:{found.token_id}",
        sees_all=found.is_operator,
        developer_id=found.developer_id,
        email=found.email,
        scope=frozenset(found.scope),
        only_tenant_id=found.only_tenant_id,
    )


async def create_api_token(
    context: Context, principal: Principal, wanted: CreateApiToken, once: Once | None = None
) -> CreatedApiToken:
    """Raises: Forbidden, ConfirmationNeeded, Invalid; NotFound for an app that is not theirs; Replayed,
    KeyUsed."""
    if principal.scope is not None:
        raise Forbidden("An API token cannot make another.")
    require_fresh(context, principal)
    name = wanted.name.strip()
    _check(name, wanted)
    only = await _tenant(context, principal, wanted.app_id)
    async with context.database.transaction() as connection:
        await begin(once, context, connection)
        created = await _insert(context, connection, principal, wanted, name, only)
        await keep(once, context, connection, created)
    context.relay.nudge()
    log.info("API token created", token_id=str(created.api_token.token_id), actor=principal.actor)
    return created


async def _insert(
    context: Context,
    connection: Connection,
    principal: Principal,
    wanted: CreateApiToken,
    name: str,
    only: UUID | None,
) -> CreatedApiToken:
    now = context.clock()
    lifetime = wanted.expires_in_s
    expires_at = None if lifetime is None else now + timedelta(seconds=lifetime)
    scope = tuple(sorted(set(wanted.scope)))
    token = generate(API_TOKEN_PREFIX, context.entropy)
    developer = await _developer(connection, principal, wanted.developer)
    owner = developer.developer_id
    token_id = await api_tokens.insert_api_token(
        connection, hash_secret(token.reveal()), owner, only, name, scope, now, expires_at
    )
    event = ApiTokenCreated(actor=principal.actor, developer_id=owner, scope=scope, expires_at=expires_at)
    await _record(context, connection, token_id, owner, only, event)
    made = ApiToken(
        token_id=token_id,
        developer_id=owner,
        email=developer.email,
        app_id=wanted.app_id,
        name=name,
        scope=scope,
        created_at=now,
        expires_at=expires_at,
    )
    return CreatedApiToken(api_token=made, token=token)


async def list_api_tokens(
    context: Context, principal: Principal, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[ApiToken]:
    """The principal's own; to the operator's token, everybody's; to a token for one app, those for that app.
    Newest first. Raises: Invalid."""
    check_limit(limit)
    async with context.database.connection() as connection:
        rows = await api_tokens.list_api_tokens(
            connection, principal.developer_id, principal.only_tenant_id, after_id(cursor), limit + 1
        )
    return page(rows, limit, lambda token: token.token_id)


async def revoke_api_token(context: Context, principal: Principal, token_id: UUID) -> None:
    """It is refused from now on. Raises: NotFound for one that is not theirs, or has ended."""
    async with context.database.transaction() as connection:
        revoked = await api_tokens.revoke_api_token(
            connection, token_id, principal.developer_id, principal.only_tenant_id, context.clock()
        )
        if revoked is None:
            raise NotFound
        event = ApiTokenRevoked(actor=principal.actor, developer_id=revoked.developer_id)
        await _record(context, connection, token_id, revoked.developer_id, revoked.only_tenant_id, event)
    context.relay.nudge()
    log.info("API token revoked", token_id=str(token_id), actor=principal.actor)


async def revoke_api_tokens_of(
    context: Context, connection: Connection, developer_id: UUID, *, actor: str
) -> None:
    """All of a developer's, in the caller's transaction."""
    revoked = await api_tokens.revoke_api_tokens_of(connection, developer_id, context.clock())
    for token_id, token in revoked.items():
        event = ApiTokenRevoked(actor=actor, developer_id=developer_id)
        await _record(context, connection, token_id, developer_id, token.only_tenant_id, event)


def _check(name: str, wanted: CreateApiToken) -> None:
    checks = Checks()
    checks.name(name)
    if not wanted.scope:
        checks.add("scope", "Choose at least one.")
    if wanted.expires_in_s is not None:
        checks.between("expires_in_s", wanted.expires_in_s, MIN_LIFETIME_S, MAX_LIFETIME_S)
    checks.refuse_if_any()


async def _tenant(context: Context, principal: Principal, app_id: str | None) -> UUID | None:
    if app_id is None:
        return None
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        return opened.app.tenant_id


async def _developer(connection: Connection, principal: Principal, email: str) -> developers.Developer:
    """Oneself; or for the operator's token, anybody who has an account."""
    key = email_key(email)
    developer = await developers.get_developer(connection, key) if is_email(key) else None
    if principal.developer_id is not None and (
        developer is None or developer.developer_id != principal.developer_id
    ):
        raise Forbidden("You make API tokens for yourself alone.")
    if developer is None:
        checks = Checks()
        checks.add("developer", "No developer has this email address.")
        checks.refuse_if_any()
    assert developer is not None
    return developer


async def _record(
    context: Context,
    connection: Connection,
    token_id: UUID,
    developer_id: UUID,
    only_tenant_id: UUID | None,
    event: Event,
) -> None:
    """In the audit log of the app that the token is for; of every app of its developer when it is for all."""
    tenants = [only_tenant_id]
    if only_tenant_id is None:
        tenants = list(await apps.list_tenants_of_developer(connection, developer_id))
    for tenant_id in tenants:
        assert tenant_id is not None
        await insert_event(connection, tenant_id, token_id, event, context.clock())
