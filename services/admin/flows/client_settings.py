"""What a client may be set to: names, URIs, origins, scope (RFC 6749 §2, §3.1.2; RFC 9700 §4.1)."""

from functools import partial
from typing import Final

from services.admin.flows.refused import Checks
from shared.oauth.redirect_uri import check_origin, check_redirect_uri
from shared.oauth.scope import OPENID, USER_SCOPE, is_scope_token
from shared.oauth.types import Client, ClientType

MAX_GRACE_S: Final = 60


def check_client(checks: Checks, client: Client) -> None:
    """Every rule on a client as it would be stored; what is wrong is added to `checks`."""
    checks.name(client.name)
    check_settings(checks, client)


def check_settings(checks: Checks, client: Client) -> None:
    """The same, but for the name."""
    if client.client_type is ClientType.MACHINE:
        _check_machine(checks, client)
    else:
        _check_uris(checks, client)
        if OPENID not in client.allowed_scope:
            checks.add("allowed_scope", "A client with users needs the scope openid.")
    checks.each("allowed_scope", client.allowed_scope, _check_scope)
    checks.each("resources", client.resources, _check_resource)
    checks.between("refresh_grace_s", client.refresh_grace_s, 0, MAX_GRACE_S)
    if not client.is_confidential and not client.pkce_required:
        checks.add("pkce_required", "A public client always uses PKCE (RFC 9700 §2.1.1).")


def _check_uris(checks: Checks, client: Client) -> None:
    check_uri = partial(check_redirect_uri, native=client.is_native)
    checks.each("redirect_uris", client.redirect_uris, check_uri)
    checks.each("post_logout_redirect_uris", client.post_logout_redirect_uris, check_uri)
    checks.each("frontend_origins", client.frontend_origins, check_origin)


def _check_machine(checks: Checks, client: Client) -> None:
    """Client credentials only (RFC 6749 §4.4): no browser, no user."""
    for field in ("redirect_uris", "post_logout_redirect_uris", "frontend_origins"):
        if getattr(client, field):
            checks.add(field, "A machine client has no browser: leave this empty.")
    for line, scope in enumerate(client.allowed_scope):
        if scope in USER_SCOPE:
            checks.add("allowed_scope", f"{scope} is about users; a machine client has none.", line)


def _check_scope(scope: str) -> None:
    if not is_scope_token(scope) or len(scope) > 100:
        raise ValueError("is not a scope: no spaces, quotes or backslashes (RFC 6749 §3.3)")


def _check_resource(resource: str) -> None:
    """An absolute URI without a fragment (RFC 8707 §2); we take https and urn."""
    if resource.startswith("urn:"):
        if len(resource) > 200 or not resource.isascii() or not resource.isprintable() or "#" in resource:
            raise ValueError("is not a URN without a fragment")
        return
    check_redirect_uri(resource)
