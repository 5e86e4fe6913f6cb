"""Developers: a link to a new password for one who has forgotten it."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import post
from litestar.params import JSONBody

from services.admin.flows.api_scope import OPERATOR_ONLY
from services.admin.flows.password_links import MakePasswordLink, make_password_link
from services.admin.routes.given import GivenContext, GivenPrincipal
from shared.settings import Doc


class PasswordLinkView(msgspec.Struct, frozen=True, kw_only=True):
    """The link is shown here and never again."""

    email: str
    link: Annotated[str, Doc(description="For the developer alone. Works once.")]
    expires_at: datetime


@post(
    "/developers/password-links",
    scope=OPERATOR_ONLY,
    operation_id="create_password_link",
    summary="Make a link to a new password",
)
async def create(
    context: GivenContext, principal: GivenPrincipal, data: JSONBody[MakePasswordLink]
) -> PasswordLinkView:
    """For the operator's token alone. With the link a developer chooses a new dashboard password, once,
    within 15 minutes; their sessions end then. Another one takes its place."""
    made = await make_password_link(context, principal, data)
    return PasswordLinkView(email=made.email, link=made.link.reveal(), expires_at=made.expires_at)


ROUTES = [create]
