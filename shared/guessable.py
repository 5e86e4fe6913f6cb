"""Would it be guessed early, though no list has it? Repetition, rows of keys, names that everybody knows.

NIST SP 800-63B-4 §3.1.1.2: expected passwords are refused, and it is the whole password that is
looked at. One that merely has such a thing in it, beside enough that has not, is nobody's business.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from shared.normal_form import nfc

ENOUGH: Final = 8
"""Characters that must be left: what is the least where a password is not alone (§3.1.1.2)."""

_LONGEST: Final = 256  # as long as a password, an address or a name may be
_FEW_KINDS: Final = 5
_SHORTEST_WORD: Final = 3
_EXPECTED: Final = frozenset(
    ("password", "passphrase", "passwort", "kennwort", "motdepasse", "welcome", "letmein", "secret", "admin")
)
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertz", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS: Final = frozenset(pair for row in _ROWS for each in (row, row[::-1]) for pair in pairwise(each))
_NOT_WORD: Final = re.compile(r"[\W_]+")


def is_pattern(password: str) -> bool:
    """Is it little more than something again and again, or one key after the other?"""
    return not _is_enough(_what_is_left(_without_words(_letters(password), _EXPECTED)))


def is_about(password: str, names: Iterable[str]) -> bool:
    """Is it little more than these names (an email address, what the app is called), or a number to one?"""
    words = {word for name in names for word in (_letters(name), *_NOT_WORD.split(_fold(name)))}
    known = {word for word in words if len(word) >= _SHORTEST_WORD}
    typed = _letters(password)
    rest = _without_words(typed, known | _EXPECTED)
    left = _what_is_left(rest)
    return not _is_enough(left) or (rest != typed and left.isdigit())


def _is_enough(left: str) -> bool:
    return len(left) >= ENOUGH and len(set(left)) >= _FEW_KINDS


def _what_is_left(text: str) -> str:
    return _without_filling(_without_runs(_without_repetition(text)))


def _fold(text: str) -> str:
    return nfc(text, _LONGEST).casefold()


def _letters(text: str) -> str:
    """Without spaces, which anybody would leave in or out."""
    return "".join(_fold(text).split())


def _without_words(text: str, words: Iterable[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _without_repetition(text: str) -> str:
    """What is said again and again, once: `abcabcab` → `abc`."""
    for period in range(1, len(text) // 2 + 1):
        if text[period:] == text[:-period]:
            return text[:period]
    return text


def _without_runs(text: str) -> str:
    """Of characters that stand, or lie on the keyboard, in a row, the first two: `qwertzui` → `qwui`."""
    follows = [False, *(a == b or (a, b) in _NEIGHBOURS for a, b in pairwise(text))]
    return "".join(
        character for i, character in enumerate(text) if not (i >= 2 and follows[i] and follows[i - 1])
    )


def _without_filling(text: str) -> str:
    """Each mark once: what fills a password up to its length adds nothing."""
    return "".join(
        character for i, character in enumerate(text) if character.isalnum() or character not in text[:i]
    )
