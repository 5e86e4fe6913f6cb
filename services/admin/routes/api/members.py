"""Members of an app: list, show, change a role, remove."""

from litestar import Response, delete, get, patch
from litestar.params import JSONBody

from services.admin.flows import members
from services.admin.flows.api_scope import ApiScope
from services.admin.flows.members import ChangeRole
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.conditions import GivenVersions, versioned
from services.admin.routes.api.views import MemberPage, MemberView, member_view
from services.admin.routes.given import AppId, DeveloperId, GivenContext, GivenPrincipal

_MEMBERS = "/apps/{app_id:str}/members"
_MEMBER = _MEMBERS + "/{developer_id:uuid}"
_READ, _WRITE = ApiScope.MEMBERS_READ, ApiScope.MEMBERS_WRITE


@get(_MEMBERS, scope=_READ, operation_id="list_members", summary="List an app's members")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> MemberPage:
    """The oldest accounts first."""
    page = await members.list_members(context, principal, app_id, cursor, limit)
    return MemberPage(items=tuple(member_view(member) for member in page.items), next=page.next)


@get(_MEMBER, scope=_READ, versioned=True, operation_id="show_member", summary="Show a member")
async def show(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, developer_id: DeveloperId
) -> Response[MemberView]:
    member = await members.show_member(context, principal, app_id, developer_id)
    return versioned(member_view(member), member)


@patch(
    _MEMBER,
    scope=_WRITE,
    conflicts=True,
    versioned=True,
    operation_id="change_role",
    summary="Change a member's role",
)
async def change(
    context: GivenContext,
    principal: GivenPrincipal,
    app_id: AppId,
    developer_id: DeveloperId,
    versions: GivenVersions,
    data: JSONBody[ChangeRole],
) -> Response[MemberView]:
    """For owners; counts from the next request on. The last owner stays one."""
    member = await members.change_role(context, principal, app_id, developer_id, data, versions=versions)
    return versioned(member_view(member), member)


@delete(_MEMBER, scope=_WRITE, conflicts=True, operation_id="remove_member", summary="Remove a member")
async def remove(
    context: GivenContext, principal: GivenPrincipal, app_id: AppId, developer_id: DeveloperId
) -> None:
    """Owners remove anybody, and everybody may leave; the last owner stays."""
    await members.remove_member(context, principal, app_id, developer_id)


ROUTES = [list_, show, change, remove]
