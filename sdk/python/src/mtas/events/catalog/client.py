"""Events of the entity `client`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


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
