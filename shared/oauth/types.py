"""Tenant and client, as every service sees them (RFC 6749 §2)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class GrantType(StrEnum):
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


class ClientType(StrEnum):
    WEB = "web"
    SPA = "spa"
    NATIVE = "native"
    MACHINE = "machine"

    @property
    def is_confidential(self) -> bool:
        """Can it keep a secret (RFC 6749 §2.1)?"""
        return self in (ClientType.WEB, ClientType.MACHINE)

    @property
    def grant_types(self) -> tuple[GrantType, ...]:
        """What a client of this type may use, unless its settings say otherwise."""
        if self is ClientType.MACHINE:
            return (GrantType.CLIENT_CREDENTIALS,)
        with_user = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
        return (*with_user, GrantType.CLIENT_CREDENTIALS) if self is ClientType.WEB else with_user


class Tenant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An isolated user pool with its own issuer, keys and settings."""

    tenant_id: UUID
    slug: str
    name: str
    issuer: str
    signing_alg: str
    sign_up_enabled: bool
    verified_email_required: bool
    code_ttl_s: int
    access_token_ttl_s: int
    id_token_ttl_s: int
    refresh_idle_ttl_s: int
    refresh_absolute_ttl_s: int
    session_idle_ttl_s: int
    session_absolute_ttl_s: int
    accent: str | None = None
    logo: str | None = None
    disabled_at: datetime | None


class Client(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An OAuth client of a tenant. Carries no secret and no hash of one."""

    tenant_id: UUID
    client_id: str
    name: str
    client_type: ClientType
    is_confidential: bool
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    frontend_origins: tuple[str, ...]
    resources: tuple[str, ...]
    grant_types: tuple[str, ...]
    allowed_scope: tuple[str, ...]
    pkce_required: bool
    refresh_by_default: bool
    refresh_grace_s: int
    id_token_on_refresh: bool
    is_third_party: bool
    disabled_at: datetime | None

    @property
    def needs_pkce(self) -> bool:
        """A public client cannot be exempted (RFC 9700 §2.1.1); the database says so as well."""
        return self.pkce_required or not self.is_confidential

    @property
    def is_native(self) -> bool:
        return self.client_type is ClientType.NATIVE
