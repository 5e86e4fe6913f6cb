"""A client as its type begins (RFC 6749 §2.1): what a developer leaves out is decided here."""

from datetime import datetime
from uuid import UUID

from services.admin.store.clients import AppClient
from shared.oauth.scope import USER_SCOPE
from shared.oauth.types import ClientType


def new_client(
    tenant_id: UUID,
    client_id: str,
    client_type: ClientType,
    now: datetime,
    *,
    name: str,
    redirect_uris: tuple[str, ...] = (),
    post_logout_redirect_uris: tuple[str, ...] = (),
    frontend_origins: tuple[str, ...] = (),
    allowed_scope: tuple[str, ...] | None = None,
) -> AppClient:
    """First-party web and native clients get a refresh token without asking for `offline_access`."""
    if allowed_scope is None:
        allowed_scope = () if client_type is ClientType.MACHINE else USER_SCOPE
    return AppClient(
        tenant_id=tenant_id,
        client_id=client_id,
        name=name,
        client_type=client_type,
        is_confidential=client_type.is_confidential,
        redirect_uris=redirect_uris,
        post_logout_redirect_uris=post_logout_redirect_uris,
        frontend_origins=frontend_origins,
        resources=(),
        grant_types=tuple(client_type.grant_types),
        allowed_scope=allowed_scope,
        pkce_required=True,
        refresh_by_default=client_type in (ClientType.WEB, ClientType.NATIVE),
        refresh_grace_s=10,
        id_token_on_refresh=False,
        is_third_party=False,
        disabled_at=None,
        created_at=now,
        updated_at=now,
    )
