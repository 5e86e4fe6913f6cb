"""What a handler of the hosted pages works with: one object, made for one request."""

from dataclasses import dataclass
from typing import Final

from litestar.di import NamedDependency

from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.interaction import InteractionGone, Waiting, find_waiting
from services.authorize.flows.mailing import Mailing
from services.authorize.flows.outcome import Unproven
from services.authorize.flows.sessions import current_session
from services.authorize.routes.forms import read_form
from services.authorize.routes.pages import Pages
from services.authorize.routes.web import Web
from services.authorize.store import Session
from shared.http.browser import AnyRequest
from shared.oauth.params import Params
from shared.oauth.types import Tenant


class SignInFirst(Exception):
    """Nobody is signed in; `login` is where one does."""

    def __init__(self, login: str) -> None:
        super().__init__(login)
        self.login: Final = login


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    request: AnyRequest
    context: Context
    web: Web
    tenant: Tenant
    visitor: Visitor
    pages: Pages

    @property
    def query(self) -> Params:
        return Params.parse(self.request.scope["query_string"])

    async def form(self) -> Params:
        """Raises: PermissionDeniedException for a form that is not ours, OAuthError."""
        return await read_form(self.request, self.web, self.tenant, self.visitor)

    async def session(self) -> Session | None:
        return await current_session(self.context, self.tenant, self.visitor.session_token)

    async def signed_in(self) -> Session:
        """For pages that are nobody else's. Raises: SignInFirst."""
        session = await self.session()
        if session is None:
            raise self.sign_in_first()
        return session

    def sign_in_first(self) -> SignInFirst:
        return SignInFirst(self.pages.path("login"))

    async def waiting(self, params: Params) -> Waiting | None:
        """The interaction that the page names, if it does; from then on in the language its client asked for.

        Raises: InteractionGone, Unproven.
        """
        interaction_id = params.get("interaction")
        if not interaction_id:
            return None
        waiting = await find_waiting(self.context, self.tenant, self.visitor, interaction_id)
        self.pages.prefer(waiting.interaction.request.ui_locales)
        return waiting

    async def still_waiting(self, interaction_id: str | None) -> str | None:
        """What a mail's link leads back to, if it is this browser's and still open."""
        try:
            if interaction_id and await find_waiting(self.context, self.tenant, self.visitor, interaction_id):
                return interaction_id
        except (InteractionGone, Unproven):
            pass
        return None

    def mailing(self, waiting: Waiting | None) -> Mailing:
        interaction_id = waiting.interaction.interaction_id if waiting else None
        return Mailing(locale=self.pages.language.tag, interaction_id=interaction_id)


def here(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Here:
    return Here(request=request, context=context, web=web, tenant=tenant, visitor=visitor, pages=pages)
