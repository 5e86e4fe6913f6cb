"""What every event's class is. Generated (`make docs`)."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Base of all: `type` is `{entity}.{verb}`."""

    type: ClassVar[str] = ""
