"""The way from nothing to an app that works, ticked by what really happened."""

import msgspec

from services.admin.flows.access import Principal, Right, open_app
from services.admin.flows.context import Context
from services.admin.flows.read_apps import newest_app_id
from services.admin.store import apps
from services.admin.store.apps import App, Milestones


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """Of the app that was registered last; None before the first."""

    app: App | None
    done: Milestones

    @property
    def is_complete(self) -> bool:
        return self.app is not None and all(msgspec.structs.asdict(self.done).values())


async def show_checklist(context: Context, principal: Principal) -> Checklist:
    nothing = Milestones(signed_in=False, secret_used=False, on_https=False, has_colleague=False)
    app_id = await newest_app_id(context, principal)
    if app_id is None:
        return Checklist(app=None, done=nothing)
    async with open_app(context, principal, app_id, Right.VIEW) as opened:
        done = await apps.get_milestones(opened.connection, opened.app.tenant_id)
        return Checklist(app=opened.app, done=done)
