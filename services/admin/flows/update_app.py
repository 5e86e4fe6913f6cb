"""Change an app's settings: name, sign-up, lifetimes, accent."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.refused import Checks
from services.admin.flows.versions import require_version
from services.admin.store import apps
from services.admin.store.apps import App
from shared.events.catalog import TenantUpdated
from shared.events.outbox import insert_event
from shared.pages.colour import check_accent
from shared.settings import Doc

YEAR_S: Final = 31_536_000
LIFETIMES: Final[dict[str, tuple[int, int]]] = {
    "code_ttl_s": (1, 300),
    "access_token_ttl_s": (60, 86_400),
    "id_token_ttl_s": (60, 86_400),
    "refresh_idle_ttl_s": (60, YEAR_S),
    "refresh_absolute_ttl_s": (60, YEAR_S),
    "session_idle_ttl_s": (60, YEAR_S),
    "session_absolute_ttl_s": (60, YEAR_S),
}
"""The least and the most of each, in seconds; the table's checks say the same."""


class UpdateApp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    name: Annotated[str | UnsetType, Doc(description="Shown to users. At most 80 characters.")] = UNSET
    sign_up_enabled: Annotated[bool | UnsetType, Doc(description="May users make their own account?")] = UNSET
    verified_email_required: Annotated[
        bool | UnsetType,
        Doc(description="Must users confirm their email address to sign in? Needs a mail server."),
    ] = UNSET
    code_ttl_s: Annotated[int | UnsetType, Doc(description="Authorization code, seconds.")] = UNSET
    access_token_ttl_s: Annotated[int | UnsetType, Doc(description="Access token, seconds.")] = UNSET
    id_token_ttl_s: Annotated[int | UnsetType, Doc(description="ID token, seconds.")] = UNSET
    refresh_idle_ttl_s: Annotated[
        int | UnsetType, Doc(description="Refresh token that is not used, seconds.")
    ] = UNSET
    refresh_absolute_ttl_s: Annotated[
        int | UnsetType, Doc(description="Refresh token, however much used, seconds.")
    ] = UNSET
    session_idle_ttl_s: Annotated[int | UnsetType, Doc(description="User session not used, seconds.")] = UNSET
    session_absolute_ttl_s: Annotated[
        int | UnsetType, Doc(description="User session, however much used, seconds.")
    ] = UNSET
    accent: Annotated[
        str | UnsetType | None,
        Doc(description="Colour of the hosted pages' buttons and links, `#rrggbb`; null for ours."),
    ] = UNSET


async def update_app(
    context: Context,
    principal: Principal,
    app_id: str,
    wanted: UpdateApp,
    *,
    versions: frozenset[str] | None = None,
) -> App:
    """The app as it is now. Raises: NotFound, Forbidden, Invalid, Outdated."""
    async with open_app(context, principal, app_id, Right.CHANGE) as opened:
        before = await apps.lock_app(opened.connection, opened.app.tenant_id)
        require_version(versions, before)
        given = given_fields(wanted)
        if isinstance(given.get("name"), str):
            given["name"] = given["name"].strip()
        changes = changed_fields(before, given)
        if not changes:
            return before
        now = context.clock()
        after = msgspec.structs.replace(before, **changes, updated_at=now)
        _check(after)
        await apps.update_app(opened.connection, after)
        await insert_event(
            opened.connection,
            after.tenant_id,
            after.tenant_id,
            TenantUpdated(slug=after.slug, actor=principal.actor, changed=tuple(changes)),
            now,
        )
        return after


def given_fields(wanted: msgspec.Struct) -> dict[str, Any]:
    """What was not left out."""
    fields = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    return {name: value for name, value in fields.items() if value is not UNSET}


def changed_fields(before: msgspec.Struct, given: dict[str, Any]) -> dict[str, Any]:
    """What would be different from `before`."""
    return {name: value for name, value in given.items() if getattr(before, name) != value}


def _check(app: App) -> None:
    checks = Checks()
    checks.name(app.name)
    if app.accent is not None:
        try:
            check_accent(app.accent)
        except ValueError as error:
            checks.add("accent", str(error))
    for field, (lowest, highest) in LIFETIMES.items():
        checks.lasts(field, getattr(app, field), lowest, highest)
    for kind, what in (("refresh", "Refresh tokens"), ("session", "Sessions")):
        if getattr(app, f"{kind}_idle_ttl_s") > getattr(app, f"{kind}_absolute_ttl_s"):
            checks.add(f"{kind}_idle_ttl_s", f"{what} cannot idle for longer than they may live at all.")
    checks.refuse_if_any()
