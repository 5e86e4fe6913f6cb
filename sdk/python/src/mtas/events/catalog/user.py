"""Events of the entity `user`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


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
