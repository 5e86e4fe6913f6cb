"""What happened: a class for each event. Generated from docs/events/asyncapi.json (`make docs`).

Fields are only ever added; a word that is new here is text, so that nothing breaks.
"""

from dataclasses import dataclass
from typing import ClassVar, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Base of all: `type` is `{entity}.{verb}`."""

    type: ClassVar[str] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenCreated(Data):
    """A developer may use the admin API on this app with a new token; `scope` says for what."""

    type: ClassVar[str] = "api_token.created"
    actor: str
    developer_id: str
    scope: tuple[str, ...]
    expires_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenRevoked(Data):
    """An API token ended before its time."""

    type: ClassVar[str] = "api_token.revoked"
    actor: str
    developer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCreated(Data):
    """A client was added to a tenant."""

    type: ClassVar[str] = "client.created"
    client_type: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDisabled(Data):
    """A client was disabled: it may no longer authenticate or be authorized."""

    type: ClassVar[str] = "client.disabled"
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEnabled(Data):
    """A disabled client was enabled again."""

    type: ClassVar[str] = "client.enabled"
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecretRotated(Data):
    """A client got a new secret; the former one works until `former_expires_at`."""

    type: ClassVar[str] = "client.secret_rotated"
    actor: str
    former_expires_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientUpdated(Data):
    """Settings of a client changed: `changed` names the fields."""

    type: ClassVar[str] = "client.updated"
    actor: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRevoked(Data):
    """A refresh-token family ended before its time; `reason` says why."""

    type: ClassVar[str] = "family.revoked"
    client_id: str
    user_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequested(Data):
    """A mail is to be sent; the subject is its id, under which authorize knows to whom and what."""

    type: ClassVar[str] = "mail.requested"
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberInvitationRevoked(Data):
    """An invitation ended before its time; the subject is the invitation."""

    type: ClassVar[str] = "member.invitation_revoked"
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberInvited(Data):
    """Somebody was invited to an app; the subject is the invitation."""

    type: ClassVar[str] = "member.invited"
    actor: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(Data):
    """A developer took an invitation; the subject is the developer."""

    type: ClassVar[str] = "member.joined"
    actor: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberMailRequested(Data):
    """An invitation is to be mailed; the subject is the invitation. Only the admin service acts on it."""

    type: ClassVar[str] = "member.mail_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPasswordLinkRequested(Data):
    """A link to a new dashboard password was asked for: `by` mail, with an address that may have no
    account, or by the operator; the subject is the request. It is about no app: its tenant is the nil
    UUID.
    """

    type: ClassVar[str] = "member.password_link_requested"
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPasswordReset(Data):
    """A developer has a new dashboard password by a link, which came `by` mail or from the operator; the
    subject is the developer. In every app that they are a member of; in none, its tenant is the nil
    UUID.
    """

    type: ClassVar[str] = "member.password_reset"
    actor: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(Data):
    """A member was removed, or left; the subject is the developer."""

    type: ClassVar[str] = "member.removed"
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRoleChanged(Data):
    """A member has another role from now on; the subject is the developer."""

    type: ClassVar[str] = "member.role_changed"
    actor: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Data):
    """A user signed out, or somebody else in the same browser; or the user ended it from another
    session, or by a new password, or `actor` did: families bound to the session end with it.
    """

    type: ClassVar[str] = "session.ended"
    user_id: str
    reason: str
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRenewed(Data):
    """A signed-in user signed in again in the same browser: the session goes on."""

    type: ClassVar[str] = "session.renewed"
    user_id: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Data):
    """A user signed in at the hosted pages."""

    type: ClassVar[str] = "session.started"
    user_id: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyActivated(Data):
    """A published key began to sign; the one before it no longer does."""

    type: ClassVar[str] = "signing_key.activated"
    alg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyCreated(Data):
    """A signing key was made, or `imported`, and published. `actor` is who asked for it; null when its
    time had come.
    """

    type: ClassVar[str] = "signing_key.created"
    alg: str
    imported: bool = False
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyRetired(Data):
    """A signing key left the JWKS and its private half was destroyed. Because all it signed has
    `expired`; because it was `unused` when the algorithm or size changed, or an imported key took its
    place; or because it was `withdrawn` in an emergency by `actor`, with the cause as `note`.
    """

    type: ClassVar[str] = "signing_key.retired"
    alg: str
    reason: str
    actor: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCreated(Data):
    """An app was registered: a tenant with its first client. The jwks service makes its first key."""

    type: ClassVar[str] = "tenant.created"
    slug: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDisabled(Data):
    """An app was disabled: its endpoints refuse until it is enabled again."""

    type: ClassVar[str] = "tenant.disabled"
    slug: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantEnabled(Data):
    """A disabled app was enabled again."""

    type: ClassVar[str] = "tenant.enabled"
    slug: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantUpdated(Data):
    """Settings of a tenant changed."""

    type: ClassVar[str] = "tenant.updated"
    slug: str
    actor: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Data):
    """A user allowed a third party's client what it asks for. The subject is the user."""

    type: ClassVar[str] = "user.consent_given"
    client_id: str
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn(Data):
    """A user disconnected a client: its grants are revoked. The subject is the user."""

    type: ClassVar[str] = "user.consent_withdrawn"
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(Data):
    """A user was deleted, with their sessions; their grants are void."""

    type: ClassVar[str] = "user.deleted"
    by: str
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDisabled(Data):
    """A user was disabled: their sessions and grants are void."""

    type: ClassVar[str] = "user.disabled"
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEnabled(Data):
    """A disabled user was enabled again."""

    type: ClassVar[str] = "user.enabled"
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPasswordChanged(Data):
    """A user chose a new password: knowing the former one (`user`), or by a link in a mail (`reset`).
    After a reset all sessions and grants from before are void; else those of other sessions.
    """

    type: ClassVar[str] = "user.password_changed"
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(Data):
    """A user was made, by signing up or by an administrator (`by`)."""

    type: ClassVar[str] = "user.registered"
    by: str
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSignedOut(Data):
    """An administrator signed a user out everywhere: their sessions and grants are void."""

    type: ClassVar[str] = "user.signed_out"
    actor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUpdated(Data):
    """A user's profile or address changed, or was confirmed: `changed` names the fields."""

    type: ClassVar[str] = "user.updated"
    changed: tuple[str, ...]


EVENTS: Final[tuple[type[Data], ...]] = (
    ApiTokenCreated,
    ApiTokenRevoked,
    ClientCreated,
    ClientDisabled,
    ClientEnabled,
    ClientSecretRotated,
    ClientUpdated,
    FamilyRevoked,
    MailRequested,
    MemberInvitationRevoked,
    MemberInvited,
    MemberJoined,
    MemberMailRequested,
    MemberPasswordLinkRequested,
    MemberPasswordReset,
    MemberRemoved,
    MemberRoleChanged,
    SessionEnded,
    SessionRenewed,
    SessionStarted,
    SigningKeyActivated,
    SigningKeyCreated,
    SigningKeyRetired,
    TenantCreated,
    TenantDisabled,
    TenantEnabled,
    TenantUpdated,
    ConsentGiven,
    ConsentWithdrawn,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserPasswordChanged,
    UserRegistered,
    UserSignedOut,
    UserUpdated,
)
