"""API tokens: list, create, revoke."""

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody

from services.admin.flows import api_tokens
from services.admin.flows.api_scope import OPERATOR_ONLY, ApiScope
from services.admin.flows.api_tokens import CreateApiToken, CreatedApiToken
from services.admin.flows.paging import DEFAULT_LIMIT
from services.admin.routes.api.apps import Cursor, Limit
from services.admin.routes.api.conditions import GivenRepeatable
from services.admin.routes.api.views import ApiTokenPage, ApiTokenView, api_token_view
from services.admin.routes.given import GivenContext, GivenPrincipal, TokenId
from shared.settings import Doc


class CreatedApiTokenView(msgspec.Struct, frozen=True, kw_only=True):
    """The token is shown here and never again."""

    api_token: ApiTokenView
    token: Annotated[str, Doc(description="Send it as `Authorization: Bearer mtas_at_…`.")]


@get("/api-tokens", scope=ApiScope.TOKENS_READ, operation_id="list_api_tokens", summary="List API tokens")
async def list_(
    context: GivenContext,
    principal: GivenPrincipal,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ApiTokenPage:
    """Those of the caller's developer, newest first; to the operator's token, everybody's; to a token that
    is for one app, those for that app."""
    page = await api_tokens.list_api_tokens(context, principal, cursor, limit)
    return ApiTokenPage(items=tuple(api_token_view(token) for token in page.items), next=page.next)


@post(
    "/api-tokens",
    scope=OPERATOR_ONLY,
    names_app=True,
    operation_id="create_api_token",
    summary="Create an API token",
)
async def create(
    context: GivenContext,
    principal: GivenPrincipal,
    repeatable: GivenRepeatable,
    data: JSONBody[CreateApiToken],
) -> CreatedApiTokenView:
    """For the operator's token alone; developers make theirs at the dashboard. The answer holds the
    token, this once."""
    return _created(await api_tokens.create_api_token(context, principal, data, repeatable.once(_created)))


@delete(
    "/api-tokens/{token_id:uuid}",
    scope=ApiScope.TOKENS_REVOKE,
    operation_id="revoke_api_token",
    summary="Revoke an API token",
)
async def revoke(context: GivenContext, principal: GivenPrincipal, token_id: TokenId) -> None:
    """It is refused from now on."""
    await api_tokens.revoke_api_token(context, principal, token_id)


def _created(created: CreatedApiToken) -> CreatedApiTokenView:
    return CreatedApiTokenView(api_token=api_token_view(created.api_token), token=created.token.reveal())


ROUTES = [list_, create, revoke]
