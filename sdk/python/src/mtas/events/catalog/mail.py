"""Events of the entity `mail`. Generated from docs/events/asyncapi.json (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar

from mtas.events.catalog.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequested(Data):
    """A mail is to be sent; the subject is its id, under which authorize knows to whom and what."""

    type: ClassVar[str] = "mail.requested"
    purpose: str
