"""What people type, in one normal form: Unicode NFC, the same from every keyboard.

Marks that follow each other are put in order in the square of their number: a form of 64 KiB of them would
keep a process from everybody else's requests for half a second. So only so much of a text is looked at as may
matter; what is longer comes out cut, and still too long.
"""

import unicodedata
from typing import Final

MOST_PARTS: Final = 4
"""Of one character: ᾂ is α and three marks (Unicode Standard Annex 15)."""


def nfc(text: str, longest: int) -> str:
    """The text in NFC. One of more than `longest` characters in NFC has more than that here as well."""
    return unicodedata.normalize("NFC", text[: longest * MOST_PARTS + 1])
