"""Email addresses of developers: a shape that can be one, and the form that is compared."""

import re
import unicodedata
from typing import Final

from shared.normal_form import nfc

# Deliberately loose (RFC 5321 §4.5.3.1 for the lengths): whether it is theirs, mail will tell.
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_MAX_LENGTH: Final = 254


def is_email(text: str) -> bool:
    return len(text) <= _MAX_LENGTH and text.isprintable() and _EMAIL.fullmatch(text) is not None


def email_key(text: str) -> str:
    """What is looked up: one person, however they typed it."""
    return unicodedata.normalize("NFC", nfc(text.strip(), _MAX_LENGTH).strip().casefold())
