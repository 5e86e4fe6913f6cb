"""The CloudEvent around an event (CloudEvents 1.0, structured JSON) and its NATS subject."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

PREFIX: Final = "mtas.v1"
CONTENT_TYPE: Final = "application/cloudevents+json"
_TOKEN: Final = re.compile(r"[a-z0-9_-]+")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What goes over the wire. `tenantid` is our extension attribute (lower case, as the spec asks)."""

    specversion: str = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    tenantid: UUID
    datacontenttype: str = "application/json"
    data: dict[str, Any]

    @property
    def event_type(self) -> str:
        """The catalogue's name: `family.revoked`."""
        return self.type.removeprefix(f"{PREFIX}.")


def nats_subject(tenant_id: UUID, event_type: str) -> str:
    """`mtas.v1.{tenant_id}.{entity}.{verb}`. Raises: ValueError for what could widen a subject."""
    entity, dot, verb = event_type.partition(".")
    if not dot or not _TOKEN.fullmatch(entity) or not _TOKEN.fullmatch(verb):
        raise ValueError(f"not an event type: {event_type!r}")
    return f"{PREFIX}.{tenant_id}.{entity}.{verb}"


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(CloudEvent).decode
