"""Events of the entity `session`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


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
