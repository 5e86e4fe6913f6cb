"""Take an invitation: `/dashboard/join`, where its link leads."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import QueryParameter

from services.admin.flows import sessions
from services.admin.flows.context import Context
from services.admin.flows.emails import email_key
from services.admin.flows.members import SAID
from services.admin.flows.refused import Conflict, Forbidden, Invalid, Refused
from services.admin.flows.sign_in import sign_in
from services.admin.flows.take_invitation import (
    ShownInvitation,
    show_invitation,
    sign_up_invited,
    take_invitation,
)
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import GivenContext
from services.admin.store.apps import App

App_ = Annotated[str, QueryParameter(name="app")]
Token = Annotated[str, QueryParameter(name="token")]


@get("/join")
async def show(context: GivenContext, visit: GivenVisit, app: App_ = "", token: Token = "") -> Response[Any]:
    shown = await show_invitation(context, app, token)
    return _page(visit, shown, Form({"app": app, "token": token}))


@post("/join")
async def join(context: GivenContext, visit: GivenVisit) -> Response[Any]:
    app_id, token = visit.form.text("app"), visit.form.text("token")
    shown = await show_invitation(context, app_id, token)
    try:
        app = await _join(context, visit, shown, app_id, token)
    except (Invalid, Conflict) as refusal:
        # After a conflict the account is there, and the page asks for its password.
        return _page(visit, await show_invitation(context, app_id, token), visit.form, refusal)
    return see_other(visit, f"/dashboard/apps/{app.slug}?done=joined")


async def _join(context: Context, visit: Visit, shown: ShownInvitation, app_id: str, token: str) -> App:
    """With the account that is signed in; with the password of one that is not; or with a new one."""
    if visit.principal is not None:
        return await take_invitation(context, visit.principal, app_id, token)
    password = visit.form.raw("password")
    if not shown.has_account:
        app, session = await sign_up_invited(
            context, app_id, token, password, address=visit.address, device=visit.device
        )
        visit.signed_in(session)
        return app
    session = await sign_in(
        context, shown.invitation.email, password, address=visit.address, device=visit.device
    )
    principal = await sessions.get_principal(context, session.token.reveal())
    assert principal is not None, "the session was begun just now"
    visit.signed_in(session)
    return await take_invitation(context, principal, app_id, token)


def _page(visit: Visit, shown: ShownInvitation, form: Form, refusal: Refused | None = None) -> Response[Any]:
    """Raises: Forbidden for who is signed in as somebody else."""
    principal = visit.principal
    if principal is not None and email_key(str(principal.email)) != shown.invitation.email_key:
        raise Forbidden(
            f"You are signed in as {principal.email}, and this invitation is for {shown.invitation.email}. "
            "Sign out, then open the link again."
        )
    return page(
        visit,
        "join.html",
        form=form,
        refusal=refusal,
        app=shown.app,
        invitation=shown.invitation,
        has_account=shown.has_account,
        said=SAID[shown.invitation.role],
    )


ROUTES = [show, join]
