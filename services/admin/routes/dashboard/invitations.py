"""Invite somebody to an app, by mail or with a link that is shown once; send it again; withdraw it."""

import math
from typing import Any, Final, get_args

from litestar import Response, get, post

from services.admin.flows import invitations, read_apps
from services.admin.flows.access import Principal, Right
from services.admin.flows.confirm_identity import ConfirmationNeeded, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.invitations import Invited, InviteMember
from services.admin.flows.members import SAID
from services.admin.flows.refused import Conflict, FieldError, Invalid, Refused
from services.admin.routes.dashboard.confirmation import confirmation_page
from services.admin.routes.dashboard.forms import Form
from services.admin.routes.dashboard.pages import page, see_other
from services.admin.routes.dashboard.visits import GivenVisit, Visit
from services.admin.routes.given import AppId, GivenContext, GivenPrincipal, InvitationId
from services.admin.store.apps import Role
from shared.languages import SOURCE, Tag
from shared.limits import TooManyTries

_INVITE: Final = "/apps/{app_id:str}/invite"
_INVITATION: Final = "/apps/{app_id:str}/invitations/{invitation_id:uuid}"
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_LANGUAGES: Final[dict[Tag, str]] = {"en": "English", "de": "Deutsch"}


class _Wait(Refused):
    status = 429
    title = "Too many mails"

    def __init__(self, limit: TooManyTries) -> None:
        minutes = math.ceil(limit.retry_after_s / 60)
        super().__init__(
            f"That is a lot of mail at once. Wait {minutes} min, or have the link shown instead."
        )


@get(_INVITE)
async def show_invite(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    return await _invite_page(
        context,
        visit,
        principal,
        app_id,
        form=Form({"role": "viewer", "deliver": "mail", "language": SOURCE}),
    )


@post(_INVITE, status_code=200)
async def invite(
    context: GivenContext, visit: GivenVisit, principal: GivenPrincipal, app_id: AppId
) -> Response[Any]:
    """A link that is not mailed is in this very answer and in no other."""
    form = visit.form
    try:
        wanted = InviteMember(
            email=form.text("email"),
            role=role_of(form),
            deliver="link" if form.text("deliver") == "link" else None,
            language="de" if form.text("language") == "de" else "en",
        )
        invited = await invitations.invite_member(context, await visit.confirmed(context), app_id, wanted)
    except (Invalid, Conflict, ConfirmationNeeded) as refusal:
        return await _invite_page(context, visit, principal, app_id, form=form, refusal=refusal)
    except TooManyTries as limit:
        return await _invite_page(context, visit, principal, app_id, form=form, refusal=_Wait(limit))
    return _invited_page(visit, invited)


@post(_INVITATION + "/resend", status_code=200)
async def resend(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    invitation_id: InvitationId,
) -> Response[Any]:
    try:
        invited = await invitations.resend_invitation(
            context, await visit.confirmed(context), app_id, invitation_id
        )
    except (Invalid, ConfirmationNeeded) as refusal:
        return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/members")
    except TooManyTries as limit:
        raise _Wait(limit) from limit
    return _invited_page(visit, invited)


@post(_INVITATION + "/revoke")
async def revoke(
    context: GivenContext,
    visit: GivenVisit,
    principal: GivenPrincipal,
    app_id: AppId,
    invitation_id: InvitationId,
) -> Response[Any]:
    try:
        await invitations.revoke_invitation(context, await visit.confirmed(context), app_id, invitation_id)
    except (Invalid, ConfirmationNeeded) as refusal:
        return confirmation_page(visit, refusal, back=f"/dashboard/apps/{app_id}/members")
    return see_other(visit, f"/dashboard/apps/{app_id}/members?done=invitation-withdrawn")


def role_of(form: Form) -> Role:
    """Raises: Invalid."""
    for role in _ROLES:
        if form.text("role") == role:
            return role
    raise Invalid("Check the fields that are named.", [FieldError("role", "Choose a role.")])


async def _invite_page(
    context: Context,
    visit: Visit,
    principal: Principal,
    app_id: str,
    *,
    form: Form,
    refusal: Refused | None = None,
) -> Response[Any]:
    shown = await read_apps.show_app(context, principal, app_id, Right.OWN)
    return page(
        visit,
        "invite.html",
        form=form,
        refusal=refusal,
        app=shown.app,
        rights=shown.rights,
        roles=SAID,
        is_mailed=context.mailer is not None,
        languages=_LANGUAGES,
        asks_password=not is_fresh(context, visit.require_principal()),
        section="members",
    )


def _invited_page(visit: Visit, invited: Invited) -> Response[Any]:
    link = None if invited.link is None else invited.link.reveal()
    return page(visit, "invited.html", app=invited.app, invitation=invited.invitation, link=link)


ROUTES = [show_invite, invite, resend, revoke]
