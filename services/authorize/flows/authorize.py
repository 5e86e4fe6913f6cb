"""Authorize: from a request to a code (RFC 6749 §4.1.1, §4.1.2; OpenID Connect Core §3.1.2).

    1  prove client and redirect_uri          else a page, and no redirect
    2  read the request                       else an error to the client
    3  who is signed in?
    4  is there something to ask the user?    then an interaction, and 3 again afterwards
    5  a code to the client

Steps 3 to 5 are one function, whether the request has just come or its user has just answered.
"""

from datetime import datetime, timedelta

import msgspec
import structlog

from services.authorize import store
from services.authorize.flows.authorization_request import (
    AuthorizationRequest,
    check_still_good,
    find_client,
    read_reply_to,
    read_request,
)
from services.authorize.flows.consent import needs_consent
from services.authorize.flows.context import Context, Visitor
from services.authorize.flows.id_token_hint import read_id_token_hint
from services.authorize.flows.interaction import (
    Interaction,
    begin_interaction,
    end_interaction,
    find_waiting,
)
from services.authorize.flows.outcome import Answer, Ask, Outcome, Question, ReplyTo, StartOver, Unproven
from services.authorize.flows.refusals import note_refused, note_unproven
from services.authorize.flows.sessions import current_session
from services.authorize.store import Session
from shared.oauth.authorization_code import CodeGrant, generate_code
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, Tenant

log = structlog.get_logger()


async def authorize(
    context: Context, tenant: Tenant, visitor: Visitor, params: Params, *, cross_site_post: bool
) -> Outcome:
    """A request from a client. Raises: Unproven."""
    client, reply_to = await _prove(context, tenant, params)  # 1
    try:
        request = await _read(context, tenant, params, client, reply_to)  # 2
    except OAuthError as error:
        note_refused(context, tenant, client, error)
        return _refuse(reply_to, error)
    if cross_site_post:
        # Whoever is signed in, their SameSite=Lax cookie stayed behind (RFC 6265bis §5.2).
        interaction = await begin_interaction(context, tenant, visitor, request)
        return StartOver(interaction_id=interaction.interaction_id)
    return await _decide(context, tenant, visitor, client, request, None)


async def resume(context: Context, tenant: Tenant, visitor: Visitor, interaction_id: str) -> Outcome:
    """The user has answered. Raises: Unproven, InteractionGone."""
    waiting = await find_waiting(context, tenant, visitor, interaction_id)
    client, interaction = waiting.client, waiting.interaction
    try:
        check_still_good(interaction.request, client)
    except OAuthError as error:
        await end_interaction(context, tenant, interaction)
        note_refused(context, tenant, client, error)
        return _refuse(interaction.request.reply_to, error)
    return await _decide(context, tenant, visitor, client, interaction.request, interaction)


async def deny(context: Context, tenant: Tenant, interaction: Interaction) -> Answer:
    """The user does not consent. Raises: InteractionGone."""
    await end_interaction(context, tenant, interaction)
    return _refuse(
        interaction.request.reply_to, OAuthError("access_denied", "the user did not allow the request")
    )


async def _prove(context: Context, tenant: Tenant, params: Params) -> tuple[Client, ReplyTo]:
    client = None
    try:
        client = await find_client(context, tenant, params.get("client_id"))
        return client, read_reply_to(params, client, tenant)
    except Unproven as refusal:
        note_unproven(context, tenant, client, params, refusal)
        raise


async def _read(
    context: Context, tenant: Tenant, params: Params, client: Client, reply_to: ReplyTo
) -> AuthorizationRequest:
    request = read_request(params, client, reply_to)
    if (hint := params.get("id_token_hint")) is None:
        return request
    hinted = await read_id_token_hint(context, tenant, hint)
    if client.client_id not in hinted.audience:
        raise OAuthError("invalid_request", "id_token_hint was issued to another client")
    return msgspec.structs.replace(request, hinted_user=hinted.user_id)


async def _decide(
    context: Context,
    tenant: Tenant,
    visitor: Visitor,
    client: Client,
    request: AuthorizationRequest,
    interaction: Interaction | None,
) -> Outcome:
    now = context.clock()  # before anything is read that may be taken back meanwhile
    session = await current_session(context, tenant, visitor.session_token)  # 3
    must_consent = session is not None and await needs_consent(context, tenant, session, client, request)
    try:
        question = _question(request, session, interaction, must_consent, now)  # 4
    except OAuthError as error:
        if interaction is not None:
            await end_interaction(context, tenant, interaction)
        return _refuse(request.reply_to, error)
    if question is not None:
        interaction = interaction or await begin_interaction(context, tenant, visitor, request)
        return Ask(question=question, interaction_id=interaction.interaction_id)
    if interaction is not None:
        await end_interaction(context, tenant, interaction)
    assert session is not None
    return await _issue_code(context, tenant, request, session, now)  # 5


def _question(
    request: AuthorizationRequest,
    session: Session | None,
    interaction: Interaction | None,
    must_consent: bool,
    now: datetime,
) -> Question | None:
    """What the user must be asked next, if anything; `prompt=none` forbids every question.

    Raises: OAuthError login_required, consent_required (OpenID Connect Core §3.1.2.6).
    """
    question = _open_question(request, session, interaction, must_consent, now)
    if question == "consent" and "none" in request.prompt:
        raise OAuthError("consent_required", "the user must allow the request")
    if question is not None and "none" in request.prompt:
        raise OAuthError("login_required", "the user must sign in")
    return question


def _open_question(
    request: AuthorizationRequest,
    session: Session | None,
    interaction: Interaction | None,
    must_consent: bool,
    now: datetime,
) -> Question | None:
    """What is open between this request and this session (OpenID Connect Core §3.1.2.3).

    Who has signed in since the interaction began has done so for this request, and is not asked
    to again. Raises: OAuthError login_required when they are not whom the client meant.
    """
    if session is None:
        return "sign_in"
    answered = interaction is not None and session.auth_time >= interaction.created_at
    if request.hinted_user not in (None, session.user_id):
        if answered:
            raise OAuthError("login_required", "another user than the one in id_token_hint signed in")
        return "sign_in"
    if not answered and ("login" in request.prompt or _is_too_old(session, request.max_age, now)):
        return "sign_in"
    selected = answered or (interaction is not None and interaction.selected == session.session_id)
    if "select_account" in request.prompt and not selected:
        return "select_account"
    consented = interaction is not None and interaction.consented == session.session_id
    if (must_consent or "consent" in request.prompt) and not consented:
        return "consent"
    return None


def _is_too_old(session: Session, max_age: int | None, now: datetime) -> bool:
    return max_age is not None and now - session.auth_time > timedelta(seconds=max_age)


async def _issue_code(
    context: Context, tenant: Tenant, request: AuthorizationRequest, session: Session, asked_at: datetime
) -> Answer:
    ttl = timedelta(seconds=tenant.code_ttl_s)
    code = generate_code(context.entropy)
    grant = CodeGrant(
        client_id=request.client_id,
        redirect_uri=request.reply_to.redirect_uri,
        code_challenge=request.code_challenge,
        scope=request.scope,
        resource=request.resource,
        nonce=request.nonce,
        user_id=session.user_id,
        session_id=session.session_id,
        auth_time=session.auth_time,
        expires_at=context.clock() + ttl,
        issued_at=asked_at,
    )
    await store.insert_code(context.valkey, tenant.tenant_id, code, grant, ttl)
    return request.reply_to.answer(code=code.reveal())


def _refuse(reply_to: ReplyTo, error: OAuthError) -> Answer:
    log.info("refused", error=error.code, reason=error.reason)
    return reply_to.answer(error=error.code, error_description=error.description)
