"""The token endpoint, step by step (RFC 6749 §3.2). A grant supplies only what is its own.

1  read the parameters, each at most once
2  find the grant by grant_type; wait for the tenant's turn, where tenants must wait
3  authenticate the client
4  may this client use this grant?
5  the key that will sign: what may be away is asked for before anything is decided
6  the grant decides: redeem, rotate, or issue        ← the one round trip that writes
7  mint
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from services.token.flows import authorization_code, client_credentials, refresh_token
from services.token.flows.client_authentication import authenticate, read_credentials
from services.token.flows.context import Context
from services.token.flows.minting import Granted, TokenResponse, mint
from shared.oauth.errors import OAuthError
from shared.oauth.params import Params
from shared.oauth.types import Client, GrantType, Tenant
from shared.readings import Count

Grant = Callable[[Context, Tenant, Client, Params], Awaitable[Granted]]

GRANTS: Final[Mapping[str, Grant]] = {
    GrantType.AUTHORIZATION_CODE: authorization_code.redeem,
    GrantType.REFRESH_TOKEN: refresh_token.rotate,
    GrantType.CLIENT_CREDENTIALS: client_credentials.issue,
}

_ANSWERS: Final = Count(
    "mtas_token_answers", "Token requests by grant, and what came of them", "grant", "outcome"
)


async def answer(context: Context, tenant: Tenant, authorization: str | None, body: bytes) -> TokenResponse:
    """Answer a token request. Raises: OAuthError, Unavailable."""
    params = Params.parse(body)
    params.refuse_repeated()
    grant_type = params.require("grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError("unsupported_grant_type", "grant_type is not supported")
    try:
        response = await _granted(context, tenant, authorization, params, grant_type, grant)
    except OAuthError as refusal:
        _ANSWERS(grant_type, refusal.code)
        raise
    except Exception:  # a store is away, or it was too long until the tenant's turn
        _ANSWERS(grant_type, "unavailable")
        raise
    _ANSWERS(grant_type, "issued")
    return response


async def _granted(
    context: Context, tenant: Tenant, authorization: str | None, params: Params, grant_type: str, grant: Grant
) -> TokenResponse:
    """From the tenant's turn to the answer."""
    async with context.share.of(tenant.tenant_id):
        client = await authenticated_client(context, tenant, authorization, params)
        if grant_type not in client.grant_types:
            raise OAuthError("unauthorized_client", "this client may not use this grant_type")
        key = await context.signing_keys.active(tenant.tenant_id, tenant.signing_alg)
        granted = await grant(context, tenant, client, params)
        return mint(context, tenant, client, granted, key)


async def authenticated_client(
    context: Context, tenant: Tenant, authorization: str | None, params: Params
) -> Client:
    """Step 3, for every endpoint that a client calls. Raises: OAuthError."""
    presented = read_credentials(authorization, params)
    return await authenticate(tenant, presented, context.clients, context.observations, context.clock())
