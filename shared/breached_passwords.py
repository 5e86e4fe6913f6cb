"""Is it a password from a breach? Asked offline, of a filter that no password can be read out of.

A Bloom filter of a mebibyte. All that it was made of is in it, whatever the case and whatever
stands between the words; of what was not, it claims one in some 150,000. Where it comes from, and
under which licence, is in docs/passwords.md; `make breached-passwords` makes it anew.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_suffix(".bin")
SIZE: Final = 1 << 20
"""Bytes: 2^23 bits, so that 23 bits of a digest are a place."""

_BITS: Final = 23
_PROBES: Final = 17
"""Of 23 bits each; the best number for some 25 bits a password."""
_BETWEEN_WORDS: Final = re.compile(r"[\s._-]+")


def is_breached(password: str) -> bool:
    """Was it in a breach, or is it one of the few that look so?"""
    content = _content()
    return all(content[place >> 3] >> (place & 7) & 1 for place in _places(password))


def make_filter(passwords: Iterable[str]) -> bytes:
    """The file's content."""
    content = bytearray(SIZE)
    for password in passwords:
        for place in _places(password):
            content[place >> 3] |= 1 << (place & 7)
    return bytes(content)


@cache
def _content() -> bytes:
    """Read at the first question: a service that asks none holds none."""
    content = FILE.read_bytes()
    if len(content) != SIZE:
        raise ValueError(f"{FILE.name} is not the filter that this code was made for")
    return content


def _places(password: str) -> Iterator[int]:
    digest = int.from_bytes(hashlib.sha512(_form(password).encode("utf-8", "surrogatepass")).digest())
    for probe in range(_PROBES):
        yield digest >> (probe * _BITS) & ((1 << _BITS) - 1)


def _form(password: str) -> str:
    """Whoever guesses tries "Correct-Horse" and "correct horse" after "correcthorse"."""
    folded = unicodedata.normalize("NFC", password).casefold()
    return _BETWEEN_WORDS.sub("", folded) or folded
