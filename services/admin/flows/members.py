"""Members of an app and their roles: owner, admin, viewer.

A role is read in the transaction of every request (`access`), so what is changed here counts from the
next one on. Of an app that has owners, the last one whose account is enabled can neither leave nor be
demoted: whoever changes an owner holds the lock on all of them, and on their accounts.
"""

from typing import Annotated, Final
from uuid import UUID

import msgspec

from services.admin.flows.access import OpenedApp, Principal, Right, open_app
from services.admin.flows.confirm_identity import require_fresh
from services.admin.flows.context import Context
from services.admin.flows.paging import DEFAULT_LIMIT, Page, after_id, check_limit, page
from services.admin.flows.refused import Conflict, Forbidden, NotFound
from services.admin.flows.versions import require_version
from services.admin.store import members
from services.admin.store.apps import Role
from services.admin.store.members import Member
from shared.events.catalog import Event, MemberRemoved, MemberRoleChanged
from shared.events.outbox import insert_event
from shared.settings import Doc

SAID: Final[dict[Role, str]] = {
    "owner": "Everything, members too",
    "admin": "Everything but members and disabling the app",
    "viewer": "Looks at everything and changes nothing",
}
"""Each role in words, for whoever chooses."""


class ChangeRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: Annotated[Role, Doc(description="owner, admin or viewer.")]


async def list_members(
    context: Context,
    principal: Principal,
    app_id: str,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Member]:
    """The accounts that are oldest first. Raises: NotFound, Invalid."""
    check_limit(limit)
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        rows = await members.list_members(
            opened.connection, opened.app.tenant_id, after_id(cursor), limit + 1
        )
    return page(rows, limit, lambda member: member.developer_id)


async def show_member(context: Context, principal: Principal, app_id: str, developer_id: UUID) -> Member:
    """Raises: NotFound."""
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        return await _get(opened, developer_id)


async def change_role(
    context: Context,
    principal: Principal,
    app_id: str,
    developer_id: UUID,
    wanted: ChangeRole,
    *,
    versions: frozenset[str] | None = None,
) -> Member:
    """For owners. Raises: NotFound, Forbidden, ConfirmationNeeded, Outdated; Conflict for the last owner."""
    async with open_app(context, principal, app_id, Right.OWN) as opened:
        require_fresh(context, principal)
        owners = await members.lock_owners(opened.connection, opened.app.tenant_id)
        member = await _get(opened, developer_id)
        require_version(versions, member)
        if member.role == wanted.role:
            return member
        _keep_one(owners, developer_id)
        await members.update_role(opened.connection, opened.app.tenant_id, developer_id, wanted.role)
        event = MemberRoleChanged(actor=principal.actor, role=wanted.role)
        await _tell(context, opened, developer_id, event)
        return msgspec.structs.replace(member, role=wanted.role)


async def remove_member(context: Context, principal: Principal, app_id: str, developer_id: UUID) -> None:
    """Owners remove anybody, and everybody may leave.

    Raises: NotFound, Forbidden, ConfirmationNeeded; Conflict for the last owner.
    """
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        if Right.OWN not in opened.rights and developer_id != principal.developer_id:
            raise Forbidden("Only owners remove others. You may leave yourself.")
        require_fresh(context, principal)
        owners = await members.lock_owners(opened.connection, opened.app.tenant_id)
        await _get(opened, developer_id)
        _keep_one(owners, developer_id)
        await members.delete_member(opened.connection, opened.app.tenant_id, developer_id)
        await _tell(context, opened, developer_id, MemberRemoved(actor=principal.actor))
    context.relay.nudge()


async def _get(opened: OpenedApp, developer_id: UUID) -> Member:
    member = await members.get_member(opened.connection, opened.app.tenant_id, developer_id)
    if member is None:
        raise NotFound
    return member


def _keep_one(owners: dict[UUID, bool], developer_id: UUID) -> None:
    """`owners` with whether each is enabled: one who cannot sign in looks after nothing.

    Raises: Conflict.
    """
    if developer_id not in owners:
        return
    others = {is_enabled for owner, is_enabled in owners.items() if owner != developer_id}
    if not others or (owners[developer_id] and True not in others):
        raise Conflict("This is the last owner who can sign in. Make somebody else an owner first.")


async def _tell(context: Context, opened: OpenedApp, developer_id: UUID, event: Event) -> None:
    await insert_event(opened.connection, opened.app.tenant_id, developer_id, event, context.clock())
