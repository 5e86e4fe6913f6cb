"""The CloudEvent around an event (CloudEvents 1.0, structured JSON)."""

from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from mtas.core.encoding import json_object
from mtas.events.catalog import EVENTS, Data

D = TypeVar("D", bound=Data)
_PREFIX: Final = "mtas.v1."
_BY_TYPE: Final = {event.type: event for event in EVENTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[D]):
    """One event. `id` is the same at every delivery."""

    id: str
    type: str
    tenant_id: str
    subject: str
    """The id of what it is about: of the user, the session, the client …"""
    time: datetime
    data: D


def decode(raw: bytes) -> Event[Any] | None:
    """The event; None when this version does not know its type. Raises: ValueError."""
    envelope = json_object(raw)
    try:
        kind = _BY_TYPE.get(str(envelope["type"]).removeprefix(_PREFIX))
        if kind is None:
            return None
        return Event(
            id=envelope["id"],
            type=kind.type,
            tenant_id=envelope["tenantid"],
            subject=envelope["subject"],
            time=datetime.fromisoformat(envelope["time"]),
            data=_data(kind, envelope["data"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an event: {type(error).__name__}") from None


def _data(kind: type[Data], given: dict[str, Any]) -> Data:
    """What this version knows of the fields."""
    values = {}
    for field in fields(kind):
        if field.name in given:
            value = given[field.name]
            values[field.name] = tuple(value) if isinstance(value, list) else value
        elif field.default is MISSING:
            raise KeyError(field.name)
    return kind(**values)
