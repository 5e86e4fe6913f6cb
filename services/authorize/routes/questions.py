"""`/consent` and `/select-account`: what a signed-in user is asked before a client is answered."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from services.authorize.flows.authorize import deny
from services.authorize.flows.consent import give_consent
from services.authorize.flows.interaction import Waiting, keep_answer
from services.authorize.routes.here import Here
from services.authorize.routes.pages import leads_to
from services.authorize.routes.words import SCOPE_WORDS
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params


@get("/t/{slug:str}/consent")
async def consent_page(here: NamedDependency[Here]) -> Response[Any]:
    """May this client have what it asks for (OpenID Connect Core §3.1.2.4)?"""
    waiting = await _required(here, here.query)
    interaction = waiting.interaction
    session = await here.session()
    if session is None:
        return here.pages.see_other(here.pages.path("login", interaction.interaction_id))
    return here.pages.page(
        "consent.html",
        form_leads_to=leads_to(interaction.request.reply_to),
        client=waiting.client,
        interaction_id=interaction.interaction_id,
        session=session,
        resource=interaction.request.resource,
        asked=[SCOPE_WORDS.get(token, token) for token in interaction.request.scope],
    )


@post("/t/{slug:str}/consent", status_code=303)
async def consent(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    waiting = await _required(here, form)
    interaction = waiting.interaction
    match form.get("answer"):
        case "allow":
            session = await here.session()
            if session is not None:
                await give_consent(here.context, here.tenant, session, waiting.client, interaction)
            return here.pages.see_other(here.pages.path("authorize", interaction.interaction_id))
        case "deny":
            return here.pages.outcome(await deny(here.context, here.tenant, interaction))
        case _:
            raise OAuthError("invalid_request", "answer must be allow or deny")


@get("/t/{slug:str}/select-account")
async def select_account_page(here: NamedDependency[Here]) -> Response[Any]:
    """Is it to be who is signed in (`prompt=select_account`)?"""
    waiting = await _required(here, here.query)
    session = await here.session()
    if session is None:
        return here.pages.see_other(here.pages.path("login", waiting.interaction.interaction_id))
    return here.pages.page(
        "select_account.html",
        form_leads_to=leads_to(waiting.interaction.request.reply_to),
        client=waiting.client,
        interaction_id=waiting.interaction.interaction_id,
        session=session,
    )


@post("/t/{slug:str}/select-account", status_code=303)
async def select_account(here: NamedDependency[Here]) -> Response[Any]:
    form = await here.form()
    waiting = await _required(here, form)
    interaction_id = waiting.interaction.interaction_id
    match form.get("answer"):
        case "this":
            session = await here.session()
            if session is not None:
                await keep_answer(here.context, here.tenant, waiting.interaction, selected=session.session_id)
            return here.pages.see_other(here.pages.path("authorize", interaction_id))
        case "another":
            return here.pages.see_other(here.pages.path("login", interaction_id))
        case _:
            raise OAuthError("invalid_request", "answer must be this or another")


async def _required(here: Here, params: Params) -> Waiting:
    params.require("interaction")
    waiting = await here.waiting(params)
    assert waiting is not None, "it was named"
    return waiting
