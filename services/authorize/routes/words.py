"""Sentences that stand in the code and not in a template, or have a number in them."""

from typing import Final

from shared.text import Text
from shared.texts import Language

SCOPE_WORDS: Final = {
    "openid": Text("Know that it is you, by an identifier for this account"),
    "profile": Text("See your name"),
    "email": Text("See your email address"),
    "offline_access": Text("Stay connected when you are not using it"),
}
"""What a scope lets a client do; others are shown as they are."""


def too_many_tries(language: Language, retry_after_s: int) -> str:
    wait = duration(language, retry_after_s)
    return language.say(Text("That was one try too many. Wait %(duration)s, then try again.", duration=wait))


def duration(language: Language, seconds: int) -> str:
    """Rounded up to a unit that one can wait by."""
    if seconds <= 90:
        return language.count("%(number)s second", "%(number)s seconds", seconds)
    if seconds <= 90 * 60:
        return language.count("%(number)s minute", "%(number)s minutes", -(-seconds // 60))
    return language.count("%(number)s hour", "%(number)s hours", -(-seconds // 3600))
