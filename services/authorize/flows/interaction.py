"""An interaction: a request that waits while its user is asked something.

Kept in Valkey for half an hour under 256 random bits, tied to one browser by a cookie, and ended
once: whoever ends it answers the client.
"""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.authorize import store
from services.authorize.flows import limits
from services.authorize.flows.authorization_request import (
    AuthorizationRequest,
    check_registered,
    find_client,
)
from services.authorize.flows.context import Context, Visitor
from shared.oauth.types import Client, Tenant
from shared.secret import b64url

TTL: Final = timedelta(minutes=30)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class InteractionGone(Exception):
    """It has ended, or lapsed, or was begun in another browser."""


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """`selected` and `consented` name the session whose user has answered."""

    interaction_id: str
    browser_hash: bytes
    created_at: datetime
    request: AuthorizationRequest
    selected: UUID | None = None
    consented: UUID | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An interaction, and the client that waits for its end."""

    interaction: Interaction
    client: Client


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Interaction).decode


async def begin_interaction(
    context: Context, tenant: Tenant, visitor: Visitor, request: AuthorizationRequest
) -> Interaction:
    """Raises: TooManyTries, for who begins them in a loop."""
    await limits.count_interaction(context, tenant.tenant_id, request.client_id, visitor.address)
    interaction = Interaction(
        interaction_id=b64url(context.entropy(32)),
        browser_hash=_hash(visitor.browser),
        created_at=context.clock(),
        request=request,
    )
    await store.insert_interaction(
        context.valkey, tenant.tenant_id, interaction.interaction_id, _encode(interaction), TTL
    )
    return interaction


async def find_waiting(context: Context, tenant: Tenant, visitor: Visitor, interaction_id: str) -> Waiting:
    """The interaction and the client behind it, who may have changed meanwhile.

    Raises: InteractionGone, Unproven.
    """
    interaction = await _get(context, tenant, visitor, interaction_id)
    client = await find_client(context, tenant, interaction.request.client_id)
    check_registered(interaction.request.reply_to.redirect_uri, client)
    return Waiting(interaction=interaction, client=client)


async def keep_answer(
    context: Context,
    tenant: Tenant,
    interaction: Interaction,
    *,
    selected: UUID | None = None,
    consented: UUID | None = None,
) -> None:
    """Remember what the user of this session has said. Raises: InteractionGone."""
    answered = msgspec.structs.replace(
        interaction,
        selected=selected or interaction.selected,
        consented=consented or interaction.consented,
    )
    if not await store.update_interaction(
        context.valkey, tenant.tenant_id, interaction.interaction_id, _encode(answered)
    ):
        raise InteractionGone


async def end_interaction(context: Context, tenant: Tenant, interaction: Interaction) -> None:
    """Before the client is answered: only one may. Raises: InteractionGone."""
    if not await store.consume_interaction(context.valkey, tenant.tenant_id, interaction.interaction_id):
        raise InteractionGone


async def _get(context: Context, tenant: Tenant, visitor: Visitor, interaction_id: str) -> Interaction:
    if not _ID.fullmatch(interaction_id):
        raise InteractionGone
    packed = await store.get_interaction(context.valkey, tenant.tenant_id, interaction_id)
    if packed is None:
        raise InteractionGone
    interaction = _decode(packed)
    if not hmac.compare_digest(interaction.browser_hash, _hash(visitor.browser)):
        raise InteractionGone
    return interaction


def _hash(browser: str) -> bytes:
    return hashlib.sha256(browser.encode("ascii")).digest()
