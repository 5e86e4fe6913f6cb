"""Every event that MTAS publishes: the only home of an event's shape.

The class's docstring is its description in the AsyncAPI document. `subject` names the entity's
id. Fields are only ever added, with a default; a change of meaning is a new event.
"""

from datetime import datetime
from typing import ClassVar, Literal, TypeAlias
from uuid import UUID

import msgspec

Source = Literal["admin", "authorize", "token", "jwks"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all: `type` is `{entity}.{verb}`, `source` the service that publishes it."""

    type: ClassVar[str]
    source: ClassVar[Source]


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


class UserRegistered(Event, frozen=True, kw_only=True):
    """A user was made, by signing up or by an administrator (`by`)."""

    type: ClassVar[str] = "user.registered"
    source: ClassVar[Source] = "authorize"
    by: Literal["sign_up", "administrator"]


class UserDisabled(Event, frozen=True, kw_only=True):
    """A user was disabled: their sessions and grants are void."""

    type: ClassVar[str] = "user.disabled"
    source: ClassVar[Source] = "authorize"


class UserEnabled(Event, frozen=True, kw_only=True):
    """A disabled user was enabled again."""

    type: ClassVar[str] = "user.enabled"
    source: ClassVar[Source] = "authorize"


class UserUpdated(Event, frozen=True, kw_only=True):
    """A user's profile or address changed, or was confirmed: `changed` names the fields."""

    type: ClassVar[str] = "user.updated"
    source: ClassVar[Source] = "authorize"
    changed: tuple[str, ...]


class UserPasswordChanged(Event, frozen=True, kw_only=True):
    """A user chose a new password: knowing the former one (`user`), or by a link in a mail (`reset`).

    After a reset all sessions and grants from before are void; else those of other sessions.
    """

    type: ClassVar[str] = "user.password_changed"
    source: ClassVar[Source] = "authorize"
    by: Literal["user", "reset"]


class UserDeleted(Event, frozen=True, kw_only=True):
    """A user was deleted, with their sessions; their grants are void."""

    type: ClassVar[str] = "user.deleted"
    source: ClassVar[Source] = "authorize"
    by: Literal["user", "administrator"]


class ConsentGiven(Event, frozen=True, kw_only=True):
    """A user allowed a third party's client what it asks for. The subject is the user."""

    type: ClassVar[str] = "user.consent_given"
    source: ClassVar[Source] = "authorize"
    client_id: str
    scope: tuple[str, ...]


class ConsentWithdrawn(Event, frozen=True, kw_only=True):
    """A user disconnected a client: its grants are revoked. The subject is the user."""

    type: ClassVar[str] = "user.consent_withdrawn"
    source: ClassVar[Source] = "authorize"
    client_id: str


class MailRequested(Event, frozen=True, kw_only=True):
    """A mail is to be sent; the subject is its id, under which authorize knows to whom and what."""

    type: ClassVar[str] = "mail.requested"
    source: ClassVar[Source] = "authorize"
    purpose: str


class SessionStarted(Event, frozen=True, kw_only=True):
    """A user signed in at the hosted pages."""

    type: ClassVar[str] = "session.started"
    source: ClassVar[Source] = "authorize"
    user_id: UUID
    amr: tuple[str, ...]


class SessionRenewed(Event, frozen=True, kw_only=True):
    """A signed-in user signed in again in the same browser: the session goes on."""

    type: ClassVar[str] = "session.renewed"
    source: ClassVar[Source] = "authorize"
    user_id: UUID
    amr: tuple[str, ...]


class SessionEnded(Event, frozen=True, kw_only=True):
    """A user signed out, or somebody else in the same browser; or the user ended it from another
    session, or by a new password: families bound to the session end with it."""

    type: ClassVar[str] = "session.ended"
    source: ClassVar[Source] = "authorize"
    user_id: UUID
    reason: Literal["signed_out", "replaced", "ended_by_user", "password_changed"]


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
        MemberInvitationRevoked,
        MemberJoined,
        MemberRoleChanged,
        MemberRemoved,
        ApiTokenCreated,
        ApiTokenRevoked,
        UserRegistered,
        UserDisabled,
        UserEnabled,
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
