"""What every event is: a struct with the name of its type, and of the service that publishes it."""

from typing import ClassVar, Literal

import msgspec

Source = Literal["admin", "authorize", "token", "jwks"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all: `type` is `{entity}.{verb}`, `source` the service that publishes it."""

    type: ClassVar[str]
    source: ClassVar[Source]
