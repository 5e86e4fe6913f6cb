"""Read an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).

First who asks and where an answer may go, then everything else: an error in the first is shown
to the person, one in the second goes to the client.
"""

import re
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from services.authorize.flows.context import Context
from services.authorize.flows.outcome import NotRegistered, ReplyTo, Unproven
from shared.oauth import pkce, redirect_uri, scope
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, GrantType, Tenant

PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
MAX_STATE_LENGTH: Final = 2048
MAX_NONCE_LENGTH: Final = 1024
MAX_LOGIN_HINT_LENGTH: Final = 254
MAX_UI_LOCALES_LENGTH: Final = 200
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_MAX_AGE: Final = re.compile(r"[0-9]{1,9}")
_UNSUPPORTED: Final = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was found good; kept as msgpack while its user is asked something."""

    client_id: str
    reply_to: ReplyTo
    scope: tuple[str, ...]
    code_challenge: str | None
    resource: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str | None
    ui_locales: str | None = None
    hinted_user: UUID | None = None  # whom the id_token_hint is about


async def find_client(context: Context, tenant: Tenant, client_id: str | None) -> Client:
    """The client that asks. Raises: Unproven."""
    if client_id is None:
        raise Unproven("client_id is missing or repeated")
    client = await context.directory.client(tenant.tenant_id, client_id)
    if client is None or client.disabled_at is not None:
        raise Unproven("no such client, or it is disabled")
    return client


def read_reply_to(params: Params, client: Client, tenant: Tenant) -> ReplyTo:
    """Where errors may go from here on. Raises: Unproven.

    A `redirect_uri` is always required, even where only one is registered (RFC 9700 §4.1.3), and
    a `state` that we could not give back as it came has no answer.
    """
    uri = params.get("redirect_uri")
    if uri is None:
        raise Unproven("redirect_uri is missing or repeated")
    check_registered(uri, client)
    state = params.get("state")
    if state is not None and (len(state) > MAX_STATE_LENGTH or _CONTROL.search(state)):
        raise Unproven(f"state is longer than {MAX_STATE_LENGTH} characters, or holds a control character")
    by_form = params.get("response_mode") == "form_post" and _is_web(uri)
    return ReplyTo(
        redirect_uri=uri,
        onward=client.frontend_origins,
        response_mode="form_post" if by_form else "query",
        state=state,
        issuer=tenant.issuer,
    )


def check_registered(uri: str, client: Client) -> None:
    """Raises: Unproven."""
    if not redirect_uri.matches(uri, client.redirect_uris, native=client.is_native):
        raise NotRegistered("redirect_uri is not registered for this client")


def read_request(params: Params, client: Client, reply_to: ReplyTo) -> AuthorizationRequest:
    """The rest of the request, checked in this order; an id_token_hint is looked at by itself.

    Raises: OAuthError, for the client.
    """
    params.refuse_repeated()  # 1  RFC 6749 §3.1
    _check_response_type(params.get("response_type"))  # 2  RFC 6749 §3.1.1
    _check_response_mode(params.get("response_mode"), reply_to)  # 3  OAuth 2.0 Form Post Response Mode §2
    _check_may_ask(client)  # 4  RFC 6749 §4.1.2.1
    _check_supported(params)  # 5  OpenID Connect Core §6, §7.2.1
    return AuthorizationRequest(
        client_id=client.client_id,
        reply_to=reply_to,
        scope=scope.within(scope.parse(params.get("scope")), client.allowed_scope),  # 6  RFC 6749 §3.3
        code_challenge=_read_challenge(params, client),  # 7  RFC 7636 §4.3
        resource=_read_resource(params.get("resource"), client),  # 8  RFC 8707 §2
        nonce=_read_nonce(params.get("nonce")),  # 9  OpenID Connect Core §3.1.2.1, and so are the rest
        prompt=_read_prompt(params.get("prompt")),
        max_age=_read_max_age(params.get("max_age")),
        login_hint=_read_login_hint(params.get("login_hint")),
        ui_locales=_read_ui_locales(params.get("ui_locales")),
    )


def check_still_good(request: AuthorizationRequest, client: Client) -> None:
    """The client may have changed while its user was asked: no code for what the token endpoint would refuse.

    Raises: OAuthError, for the client.
    """
    _check_may_ask(client)
    _check_challenge(request.code_challenge, client)
    _read_resource(request.resource, client)


def _check_response_type(response_type: str | None) -> None:
    if response_type is None:
        raise OAuthError("invalid_request", "response_type is missing")
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")


def _check_response_mode(mode: str | None, reply_to: ReplyTo) -> None:
    if mode not in (None, "query", "form_post"):
        raise OAuthError("invalid_request", "response_mode must be query or form_post")
    if mode == "form_post" and reply_to.response_mode != mode:
        raise OAuthError("invalid_request", "form_post needs an http redirect_uri")


def _check_may_ask(client: Client) -> None:
    if GrantType.AUTHORIZATION_CODE not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client may not use the authorization code grant")


def _check_supported(params: Params) -> None:
    for name, code in _UNSUPPORTED.items():
        if params.get(name) is not None:
            raise OAuthError(code, f"{name} is not supported")


def _read_challenge(params: Params, client: Client) -> str | None:
    return pkce.read_challenge(
        params.get("code_challenge"), params.get("code_challenge_method"), required=client.needs_pkce
    )


def _check_challenge(challenge: str | None, client: Client) -> None:
    if challenge is None and client.needs_pkce:
        raise OAuthError("invalid_request", "code_challenge is missing, which is required by now")


def _read_resource(resource: str | None, client: Client) -> str | None:
    if resource is not None and resource not in client.resources:
        raise OAuthError("invalid_target", "resource is not registered for this client")
    return resource


def _read_nonce(nonce: str | None) -> str | None:
    if nonce is not None and len(nonce) > MAX_NONCE_LENGTH:
        raise OAuthError("invalid_request", f"nonce is longer than {MAX_NONCE_LENGTH} characters")
    return nonce


def _read_prompt(prompt: str | None) -> frozenset[str]:
    values = frozenset(prompt.split(" ") if prompt is not None else ())
    if not values <= PROMPTS:
        raise OAuthError("invalid_request", "prompt holds an unknown value")
    if "none" in values and len(values) > 1:
        raise OAuthError("invalid_request", "prompt none stands alone")
    return values


def _read_max_age(max_age: str | None) -> int | None:
    if max_age is None:
        return None
    if not _MAX_AGE.fullmatch(max_age):
        raise OAuthError("invalid_request", "max_age is not a number of seconds")
    return int(max_age)


def _read_login_hint(hint: str | None) -> str | None:
    # A hint: what is of no use is left aside.
    return hint if hint is not None and len(hint) <= MAX_LOGIN_HINT_LENGTH else None


def _read_ui_locales(tags: str | None) -> str | None:
    return tags if tags is not None and len(tags) <= MAX_UI_LOCALES_LENGTH else None


def _is_web(uri: str) -> bool:
    return urlsplit(uri).scheme in ("http", "https")
