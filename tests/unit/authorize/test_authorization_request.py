"""An authorization request, as far as it can be read without a store (RFC 9700 §2.1.1)."""

from uuid import uuid4

import pytest

from services.authorize.flows.authorization_request import read_reply_to, read_request
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, ClientType, Tenant

CALLBACK = "https://app.example/callback"
TENANT = Tenant(
    tenant_id=uuid4(),
    slug="acme",
    name="Acme",
    issuer="https://auth.example/t/acme",
    signing_alg="RS256",
    sign_up_enabled=True,
    verified_email_required=False,
    code_ttl_s=60,
    access_token_ttl_s=600,
    id_token_ttl_s=600,
    refresh_idle_ttl_s=600,
    refresh_absolute_ttl_s=600,
    session_idle_ttl_s=600,
    session_absolute_ttl_s=600,
    disabled_at=None,
)


def a_client(client_type: ClientType, *, pkce_required: bool) -> Client:
    return Client(
        tenant_id=TENANT.tenant_id,
        client_id="acme",
        name="Acme",
        client_type=client_type,
        is_confidential=client_type.is_confidential,
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(),
        frontend_origins=(),
        resources=(),
        grant_types=client_type.grant_types,
        allowed_scope=("openid",),
        pkce_required=pkce_required,
        refresh_by_default=False,
        refresh_grace_s=10,
        id_token_on_refresh=False,
        is_third_party=False,
        disabled_at=None,
    )


@pytest.mark.parametrize(
    ("client_type", "pkce_required", "refused"),
    [
        (ClientType.WEB, True, True),
        (ClientType.WEB, False, False),
        (ClientType.SPA, False, True),
        (ClientType.NATIVE, False, True),
    ],
)
def test_a_public_client_is_never_exempt_from_pkce(
    client_type: ClientType, pkce_required: bool, refused: bool
) -> None:
    """Not even if its settings said so, which the database does not let them."""
    client = a_client(client_type, pkce_required=pkce_required)
    params = Params([("response_type", "code"), ("redirect_uri", CALLBACK)])
    reply_to = read_reply_to(params, client, TENANT)
    if not refused:
        assert read_request(params, client, reply_to).code_challenge is None
        return
    with pytest.raises(OAuthError, match="code_challenge is missing"):
        read_request(params, client, reply_to)
