"""What the API shows of apps, clients, users and the audit log: stable shapes, no secret in any."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.admin.flows.read_apps import ShownClient
from services.admin.store.api_tokens import ApiToken
from services.admin.store.apps import App, KeyState, Role
from services.admin.store.audit import Entry
from services.admin.store.clients import AppClient, LiveSecret
from services.admin.store.invitations import Delivery, Invitation
from services.admin.store.members import Member
from services.admin.store.users import User
from shared.settings import Doc

Next = Annotated[str | None, Doc(description="Send it as `cursor` for the page after; null on the last.")]


class AppView(msgspec.Struct, frozen=True, kw_only=True):
    """An app: a tenant with its own issuer, users and keys."""

    app_id: str
    name: str
    issuer: str
    discovery_url: str
    jwks_uri: str
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
    accent: str | None
    disabled: bool
    created_at: datetime
    updated_at: datetime


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The key that signs now."""

    kid: str
    alg: str
    state: str
    created_at: datetime


class AppDetail(AppView, frozen=True, kw_only=True):
    """An app with its signing key; null while the first one is being made."""

    key: KeyView | None


class ClientView(msgspec.Struct, frozen=True, kw_only=True):
    """A client of an app (RFC 6749 §2)."""

    client_id: str
    client_type: str = msgspec.field(name="type")
    name: str
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
    disabled: bool
    created_at: datetime
    updated_at: datetime


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that works, by its dates. No expiry: the current one. The last use is exact to a minute."""

    secret_id: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ClientDetail(ClientView, frozen=True, kw_only=True):
    secrets: tuple[SecretView, ...]


class RegisteredAppView(msgspec.Struct, frozen=True, kw_only=True):
    """The secret is shown here and never again."""

    app: AppDetail
    client: ClientView
    client_secret: str


class AddedClientView(msgspec.Struct, frozen=True, kw_only=True):
    """The secret is shown here and never again; a public client has none."""

    issuer: str
    client: ClientView
    client_secret: str | None


class RotatedSecretView(msgspec.Struct, frozen=True, kw_only=True):
    """The secret is shown here and never again."""

    issuer: str
    client_id: str
    client_secret: str
    former_expires_at: datetime | None


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str
    email_verified: bool
    name: str | None
    disabled: bool
    created_at: datetime


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that a user is signed in with."""

    session_id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[SessionView, ...]


class CreatedUserView(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it was recorded; its shape by `type` is in the event catalogue."""

    event_id: UUID
    occurred_at: datetime
    source: str
    type: str
    subject: str
    data: dict[str, Any]


class ApiTokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token by its dates, whoever's it is."""

    token_id: UUID
    developer: Annotated[str, Doc(description="Email address of the developer whose token it is.")]
    app_id: Annotated[
        str | None, Doc(description="The one app that it is for; null: all of the developer's.")
    ]
    name: str
    scope: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Doc(description="To the minute.")]


class AppPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[AppView, ...]
    next: Next


class ClientPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[ClientView, ...]
    next: Next


class UserPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[UserView, ...]
    next: Next


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[EntryView, ...]
    next: Next


class ApiTokenPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[ApiTokenView, ...]
    next: Next


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A developer with a role in the app."""

    developer_id: UUID
    email: str
    role: Role
    created_at: datetime


class MemberPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[MemberView, ...]
    next: Next


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """An open invitation."""

    invitation_id: UUID
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime
    invited_by: Annotated[str | None, Doc(description="Who invited, by email address; null: the operator.")]
    void: Annotated[bool, Doc(description="Of no use: who invited may no longer give this role.")]
    delivery: Annotated[
        Delivery,
        Doc(
            description="shown: its link was shown once to who invited; waiting: it is yet to be mailed; "
            "sent: the mail server took it; refused: the mail server would not, and never will."
        ),
    ]


class InvitationPage(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[InvitationView, ...]
    next: Next


def app_view(app: App) -> AppView:
    return AppView(**_app_fields(app))


def app_detail(app: App, key: KeyState | None) -> AppDetail:
    shown = None
    if key is not None:
        shown = KeyView(kid=key.kid, alg=key.alg, state=key.state, created_at=key.created_at)
    return AppDetail(**_app_fields(app), key=shown)


def client_view(client: AppClient) -> ClientView:
    return ClientView(**_client_fields(client))


def client_detail(shown: ShownClient) -> ClientDetail:
    return ClientDetail(
        **_client_fields(shown.client), secrets=tuple(_secret_view(secret) for secret in shown.secrets)
    )


def user_view(user: User) -> UserView:
    return UserView(**_fields(user, UserView, disabled=user.disabled_at is not None))


def entry_view(entry: Entry) -> EntryView:
    return EntryView(**_fields(entry, EntryView))


def api_token_view(token: ApiToken) -> ApiTokenView:
    return ApiTokenView(**_fields(token, ApiTokenView, developer=token.email))


def member_view(member: Member) -> MemberView:
    return MemberView(**_fields(member, MemberView))


def invitation_view(invitation: Invitation) -> InvitationView:
    return InvitationView(**_fields(invitation, InvitationView, void=invitation.is_void))


def _secret_view(secret: LiveSecret) -> SecretView:
    return SecretView(**_fields(secret, SecretView))


def _app_fields(app: App) -> dict[str, Any]:
    return _fields(
        app,
        AppView,
        app_id=app.slug,
        discovery_url=f"{app.issuer}/.well-known/openid-configuration",
        jwks_uri=f"{app.issuer}/jwks.json",
        disabled=app.disabled_at is not None,
    )


def _client_fields(client: AppClient) -> dict[str, Any]:
    return _fields(client, ClientView, disabled=client.disabled_at is not None)


def _fields(record: msgspec.Struct, view: type[msgspec.Struct], **others: Any) -> dict[str, Any]:
    """The fields of `view` that have the record's own names, and the others."""
    names = [name for name in view.__struct_fields__ if name not in others]
    return {name: getattr(record, name) for name in names} | others
