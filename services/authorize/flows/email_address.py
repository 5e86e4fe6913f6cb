"""Email addresses: shown as they were typed, looked up by one normal form."""

import re
import unicodedata
from typing import Final

from shared.normal_form import nfc

MAX_LENGTH: Final = 254
# Pragmatic on purpose: whether an address exists, only a mail to it can tell.
_SHAPE: Final = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*")


def clean(email: str) -> str:
    """As it is stored for display: NFC, without the spaces that slip in around it."""
    return nfc(email.strip(), MAX_LENGTH).strip()


def key_of(email: str) -> str:
    """As it is looked up: one user a key within a tenant."""
    return unicodedata.normalize("NFC", clean(email).casefold())


def is_well_formed(email: str) -> bool:
    """One `@`, something on both sides, no spaces or control characters, at most 254 characters."""
    return (
        len(email) <= MAX_LENGTH
        and _SHAPE.fullmatch(email) is not None
        and not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in email)
    )
