"""`/consent` and `/account`: what a signed-in user is asked, or shown."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows.authorize import deny
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.interaction import find_waiting, keep_answer
from services.authorize.flows.sessions import current_session
from services.authorize.routes.forms import read_form
from services.authorize.routes.pages import Pages, leads_to
from services.authorize.routes.web import AnyRequest, Web
from services.authorize.routes.words import SCOPE_WORDS
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Tenant


@get("/t/{slug:str}/consent")
async def consent_page(
    request: AnyRequest,
    context: NamedDependency[Context],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    """May this client have what it asks for (OpenID Connect Core §3.1.2.4)?"""
    params = Params.parse(request.scope["query_string"])
    waiting = await find_waiting(context, tenant, visitor, params.require("interaction"))
    interaction = waiting.interaction
    session = await current_session(context, tenant, visitor.session_token)
    if session is None:
        return pages.see_other(pages.path("login", interaction.interaction_id))
    return pages.page(
        "consent.html",
        form_leads_to=leads_to(interaction.request.reply_to),
        client=waiting.client,
        interaction_id=interaction.interaction_id,
        session=session,
        asked=[SCOPE_WORDS.get(token, token) for token in interaction.request.scope],
    )


@post("/t/{slug:str}/consent", status_code=303)
async def consent(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    form = await read_form(request, web, tenant, visitor)
    waiting = await find_waiting(context, tenant, visitor, form.require("interaction"))
    interaction = waiting.interaction
    match form.get("answer"):
        case "allow":
            session = await current_session(context, tenant, visitor.session_token)
            if session is not None:
                await keep_answer(context, tenant, interaction, consented=session.session_id)
            return pages.see_other(pages.path("authorize", interaction.interaction_id))
        case "deny":
            return pages.outcome(await deny(context, tenant, interaction))
        case _:
            raise OAuthError("invalid_request", "answer must be allow or deny")


@get("/t/{slug:str}/account")
async def account_page(
    request: AnyRequest,
    context: NamedDependency[Context],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    """Who is signed in; with an interaction, whether it is to be them (`prompt=select_account`)."""
    interaction_id = Params.parse(request.scope["query_string"]).get("interaction")
    session = await current_session(context, tenant, visitor.session_token)
    if session is None:
        return pages.see_other(pages.path("login", interaction_id))
    if interaction_id is None:
        return pages.page("account.html", session=session)
    waiting = await find_waiting(context, tenant, visitor, interaction_id)
    return pages.page(
        "select_account.html",
        form_leads_to=leads_to(waiting.interaction.request.reply_to),
        client=waiting.client,
        interaction_id=interaction_id,
        session=session,
    )


@post("/t/{slug:str}/account", status_code=303)
async def select_account(
    request: AnyRequest,
    context: NamedDependency[Context],
    web: NamedDependency[Web],
    tenant: NamedDependency[Tenant],
    visitor: NamedDependency[Visitor],
    pages: NamedDependency[Pages],
) -> Response[Any]:
    form = await read_form(request, web, tenant, visitor)
    waiting = await find_waiting(context, tenant, visitor, form.require("interaction"))
    interaction_id = waiting.interaction.interaction_id
    match form.get("answer"):
        case "this":
            session = await current_session(context, tenant, visitor.session_token)
            if session is not None:
                await keep_answer(context, tenant, waiting.interaction, selected=session.session_id)
            return pages.see_other(pages.path("authorize", interaction_id))
        case "another":
            return pages.see_other(pages.path("login", interaction_id))
        case _:
            raise OAuthError("invalid_request", "answer must be this or another")
