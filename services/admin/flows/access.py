"""Who asks, and what they may do: the one place where rights are checked.

A tenant that does not exist and a tenant that is somebody else's are the same 404.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from services.admin.flows.context import Context
from services.admin.flows.refused import Forbidden, NotFound
from services.admin.store import apps, clients
from services.admin.store.apps import App, Role
from services.admin.store.clients import AppClient
from shared.db import Connection


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's API token, a developer at the dashboard, or an API token of a developer.

    `actor` is how events name them. `sees_all` is the operator's right to every tenant.
    An API token has its developer's rights, within `scope` and `only_tenant_id`.
    """

    actor: str
    sees_all: bool
    developer_id: UUID | None = None
    email: str | None = None
    authenticated_at: datetime | None = None
    scope: frozenset[str] | None = None
    only_tenant_id: UUID | None = None

    @property
    def is_operator_token(self) -> bool:
        """The one of the configuration, which belongs to nobody."""
        return self.developer_id is None and self.sees_all

    @property
    def vouches(self) -> bool:
        """Is an address that they invite verified? It is then in every app: a right to one is too little."""
        return self.sees_all and self.only_tenant_id is None

    def holds(self, scope: str) -> bool:
        """Only an API token of a developer is limited to a scope."""
        return self.scope is None or scope in self.scope


Recognise: TypeAlias = Callable[[], Awaitable[Principal | None]]
"""Who asks, anew: None once their token or session has ended."""

OPERATOR: Final = Principal(actor="operator", sees_all=True)


class Right(StrEnum):
    """What a flow needs; each right holds the one before it."""

    VIEW = "view"
    CHANGE = "change"
    OWN = "own"


RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    "viewer": frozenset({Right.VIEW}),
    "admin": frozenset({Right.VIEW, Right.CHANGE}),
    "owner": frozenset(Right),
}


_ID: Final = re.compile(r"[a-z0-9-]{1,64}")


class OpenedApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app that the principal may see, in a transaction that is set to its tenant."""

    connection: Connection
    app: App
    rights: frozenset[Right]


@asynccontextmanager
async def open_app(
    context: Context, principal: Principal, app_id: str, right: Right
) -> AsyncIterator[OpenedApp]:
    """Raises: NotFound for an app that is not theirs; Forbidden when their role does not hold `right`.

    The role is read in this very transaction, so a demotion counts from the next request.
    Leaving commits; events that were written go out at once.
    """
    async with context.database.transaction() as connection:
        app = await apps.get_app(connection, app_id) if has_id_shape(app_id) else None
        if app is None:
            raise NotFound
        await apps.set_tenant(connection, app.tenant_id)
        rights = await _rights(connection, principal, app.tenant_id)
        if not rights:
            raise NotFound
        if right not in rights:
            raise Forbidden("Your role in this app does not allow this. Ask one of its owners.")
        yield OpenedApp(connection=connection, app=app, rights=rights)
    if right is not Right.VIEW:
        context.relay.nudge()


async def lock_client(opened: OpenedApp, client_id: str) -> AppClient:
    """The app's client, nobody else's to change until the transaction ends. Raises: NotFound."""
    client = None
    if has_id_shape(client_id):
        client = await clients.lock_client(opened.connection, opened.app.tenant_id, client_id)
    if client is None:
        raise NotFound
    return client


def has_id_shape(text: str) -> bool:
    """Could it be the id of an app or a client? What cannot be one is not asked for."""
    return _ID.fullmatch(text) is not None


async def _rights(connection: Connection, principal: Principal, tenant_id: UUID) -> frozenset[Right]:
    if principal.only_tenant_id not in (None, tenant_id):
        return frozenset()
    if principal.sees_all:
        return RIGHTS["owner"]
    if principal.developer_id is None:
        return frozenset()
    role = await apps.get_role(connection, tenant_id, principal.developer_id)
    return RIGHTS[role] if role is not None else frozenset()
