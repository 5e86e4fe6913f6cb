"""Events of the entity `family`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRevoked(Data):
    """A refresh-token family ended before its time; `reason` says why."""

    type: ClassVar[str] = "family.revoked"
    client_id: str
    user_id: str
    reason: str
