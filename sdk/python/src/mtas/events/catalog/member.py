"""Events of the entity `member`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


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
