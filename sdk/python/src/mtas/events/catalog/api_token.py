"""Events of the entity `api_token`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


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
