"""Events about users, their sessions and their mail; part of the catalogue (`shared/events/catalog.py`)."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.events.event import Event, Source


class UserRegistered(Event, frozen=True, kw_only=True):
    """A user was made, by signing up or by an administrator (`by`)."""

    type: ClassVar[str] = "user.registered"
    source: ClassVar[Source] = "authorize"
    by: Literal["sign_up", "administrator"]
    actor: str | None = None


class UserDisabled(Event, frozen=True, kw_only=True):
    """A user was disabled: their sessions and grants are void."""

    type: ClassVar[str] = "user.disabled"
    source: ClassVar[Source] = "authorize"
    actor: str | None = None


class UserEnabled(Event, frozen=True, kw_only=True):
    """A disabled user was enabled again."""

    type: ClassVar[str] = "user.enabled"
    source: ClassVar[Source] = "authorize"
    actor: str | None = None


class UserSignedOut(Event, frozen=True, kw_only=True):
    """An administrator signed a user out everywhere: their sessions and grants are void."""

    type: ClassVar[str] = "user.signed_out"
    source: ClassVar[Source] = "authorize"
    actor: str | None


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
    actor: str | None = None


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
    session, or by a new password, or `actor` did: families bound to the session end with it."""

    type: ClassVar[str] = "session.ended"
    source: ClassVar[Source] = "authorize"
    user_id: UUID
    reason: Literal["signed_out", "replaced", "ended_by_user", "password_changed", "ended_by_administrator"]
    actor: str | None = None
