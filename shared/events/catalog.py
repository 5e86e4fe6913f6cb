"""Every event that MTAS publishes: the only home of an event's shape.

The class's docstring is its description in the AsyncAPI document. `subject` names the entity's
id. Fields are only ever added, with a default; a change of meaning is a new event.
"""

from datetime import datetime
from typing import ClassVar, Literal, TypeAlias
from uuid import UUID

from shared.events.event import Event as Event
from shared.events.event import Source as Source
from shared.events.users import ConsentGiven as ConsentGiven
from shared.events.users import ConsentWithdrawn as ConsentWithdrawn
from shared.events.users import MailRequested as MailRequested
from shared.events.users import SessionEnded as SessionEnded
from shared.events.users import SessionRenewed as SessionRenewed
from shared.events.users import SessionStarted as SessionStarted
from shared.events.users import UserDeleted as UserDeleted
from shared.events.users import UserDisabled as UserDisabled
from shared.events.users import UserEnabled as UserEnabled
from shared.events.users import UserPasswordChanged as UserPasswordChanged
from shared.events.users import UserRegistered as UserRegistered
from shared.events.users import UserSignedOut as UserSignedOut
from shared.events.users import UserUpdated as UserUpdated


class TenantCreated(Event, frozen=True, kw_only=True):
    """An app was registered: a tenant with its first client. The jwks service makes its first key."""

    type: ClassVar[str] = "tenant.created"
    source: ClassVar[Source] = "admin"
    slug: str
    actor: str


class TenantUpdated(Event, frozen=True, kw_only=True):
    """Settings of a tenant changed."""

    type: ClassVar[str] = "tenant.updated"
    source: ClassVar[Source] = "admin"
    slug: str
    actor: str
    changed: tuple[str, ...]


class TenantDisabled(Event, frozen=True, kw_only=True):
    """An app was disabled: its endpoints refuse until it is enabled again."""

    type: ClassVar[str] = "tenant.disabled"
    source: ClassVar[Source] = "admin"
    slug: str
    actor: str


class TenantEnabled(Event, frozen=True, kw_only=True):
    """A disabled app was enabled again."""

    type: ClassVar[str] = "tenant.enabled"
    source: ClassVar[Source] = "admin"
    slug: str
    actor: str


class ClientCreated(Event, frozen=True, kw_only=True):
    """A client was added to a tenant."""

    type: ClassVar[str] = "client.created"
    source: ClassVar[Source] = "admin"
    client_type: str
    actor: str


class ClientUpdated(Event, frozen=True, kw_only=True):
    """Settings of a client changed: `changed` names the fields."""

    type: ClassVar[str] = "client.updated"
    source: ClassVar[Source] = "admin"
    actor: str
    changed: tuple[str, ...]


class ClientDisabled(Event, frozen=True, kw_only=True):
    """A client was disabled: it may no longer authenticate or be authorized."""

    type: ClassVar[str] = "client.disabled"
    source: ClassVar[Source] = "admin"
    actor: str


class ClientEnabled(Event, frozen=True, kw_only=True):
    """A disabled client was enabled again."""

    type: ClassVar[str] = "client.enabled"
    source: ClassVar[Source] = "admin"
    actor: str


class ClientSecretRotated(Event, frozen=True, kw_only=True):
    """A client got a new secret; the former one works until `former_expires_at`."""

    type: ClassVar[str] = "client.secret_rotated"
    source: ClassVar[Source] = "admin"
    actor: str
    former_expires_at: datetime | None


Role: TypeAlias = Literal["owner", "admin", "viewer"]


class MemberInvited(Event, frozen=True, kw_only=True):
    """Somebody was invited to an app; the subject is the invitation."""

    type: ClassVar[str] = "member.invited"
    source: ClassVar[Source] = "admin"
    actor: str
    role: Role


class MemberMailRequested(Event, frozen=True, kw_only=True):
    """An invitation is to be mailed; the subject is the invitation. Only the admin service acts on it."""

    type: ClassVar[str] = "member.mail_requested"
    source: ClassVar[Source] = "admin"


class MemberInvitationRevoked(Event, frozen=True, kw_only=True):
    """An invitation ended before its time; the subject is the invitation."""

    type: ClassVar[str] = "member.invitation_revoked"
    source: ClassVar[Source] = "admin"
    actor: str


class MemberJoined(Event, frozen=True, kw_only=True):
    """A developer took an invitation; the subject is the developer."""

    type: ClassVar[str] = "member.joined"
    source: ClassVar[Source] = "admin"
    actor: str
    role: Role


class MemberRoleChanged(Event, frozen=True, kw_only=True):
    """A member has another role from now on; the subject is the developer."""

    type: ClassVar[str] = "member.role_changed"
    source: ClassVar[Source] = "admin"
    actor: str
    role: Role


class MemberRemoved(Event, frozen=True, kw_only=True):
    """A member was removed, or left; the subject is the developer."""

    type: ClassVar[str] = "member.removed"
    source: ClassVar[Source] = "admin"
    actor: str


class MemberPasswordLinkRequested(Event, frozen=True, kw_only=True):
    """A link to a new dashboard password was asked for: `by` mail, with an address that may have no account,
    or by the operator; the subject is the request. It is about no app: its tenant is the nil UUID."""

    type: ClassVar[str] = "member.password_link_requested"
    source: ClassVar[Source] = "admin"
    by: Literal["mail", "operator"]


class MemberPasswordReset(Event, frozen=True, kw_only=True):
    """A developer has a new dashboard password by a link, which came `by` mail or from the operator; the
    subject is the developer. In every app that they are a member of; in none, its tenant is the nil UUID."""

    type: ClassVar[str] = "member.password_reset"
    source: ClassVar[Source] = "admin"
    actor: str
    by: Literal["mail", "operator"]


class ApiTokenCreated(Event, frozen=True, kw_only=True):
    """A developer may use the admin API on this app with a new token; `scope` says for what."""

    type: ClassVar[str] = "api_token.created"
    source: ClassVar[Source] = "admin"
    actor: str
    developer_id: UUID
    scope: tuple[str, ...]
    expires_at: datetime | None


class ApiTokenRevoked(Event, frozen=True, kw_only=True):
    """An API token ended before its time."""

    type: ClassVar[str] = "api_token.revoked"
    source: ClassVar[Source] = "admin"
    actor: str
    developer_id: UUID


class FamilyRevoked(Event, frozen=True, kw_only=True):
    """A refresh-token family ended before its time; `reason` says why."""

    type: ClassVar[str] = "family.revoked"
    source: ClassVar[Source] = "token"
    client_id: str
    user_id: UUID
    reason: str


Cause: TypeAlias = Literal["key_compromise", "suspected_compromise", "exercise", "other"]
"""Why keys were withdrawn: a word from this list, so that nobody's name or story travels with the event."""


class SigningKeyCreated(Event, frozen=True, kw_only=True):
    """A signing key was made, or `imported`, and published. `actor` is who asked for it; null when its
    time had come."""

    type: ClassVar[str] = "signing_key.created"
    source: ClassVar[Source] = "jwks"
    alg: str
    imported: bool = False
    actor: str | None = None


class SigningKeyActivated(Event, frozen=True, kw_only=True):
    """A published key began to sign; the one before it no longer does."""

    type: ClassVar[str] = "signing_key.activated"
    source: ClassVar[Source] = "jwks"
    alg: str


class SigningKeyRetired(Event, frozen=True, kw_only=True):
    """A signing key left the JWKS and its private half was destroyed.

    Because all it signed has `expired`; because it was `unused` when the algorithm or size changed, or
    an imported key took its place; or because it was `withdrawn` in an emergency by `actor`, with the
    cause as `note`.
    """

    type: ClassVar[str] = "signing_key.retired"
    source: ClassVar[Source] = "jwks"
    alg: str
    reason: Literal["expired", "unused", "withdrawn"]
    actor: str | None = None
    note: Cause | None = None


CATALOG: dict[str, type[Event]] = {
    event.type: event
    for event in (
        TenantCreated,
        TenantUpdated,
        TenantDisabled,
        TenantEnabled,
        ClientCreated,
        ClientUpdated,
        ClientDisabled,
        ClientEnabled,
        ClientSecretRotated,
        MemberInvited,
        MemberMailRequested,
        MemberInvitationRevoked,
        MemberJoined,
        MemberRoleChanged,
        MemberRemoved,
        MemberPasswordLinkRequested,
        MemberPasswordReset,
        ApiTokenCreated,
        ApiTokenRevoked,
        UserRegistered,
        UserDisabled,
        UserEnabled,
        UserSignedOut,
        UserUpdated,
        UserPasswordChanged,
        UserDeleted,
        ConsentGiven,
        ConsentWithdrawn,
        MailRequested,
        SessionStarted,
        SessionRenewed,
        SessionEnded,
        FamilyRevoked,
        SigningKeyCreated,
        SigningKeyActivated,
        SigningKeyRetired,
    )
}
