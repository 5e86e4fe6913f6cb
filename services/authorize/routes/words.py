"""Sentences with a number in them, as people would say them."""

from typing import Final

SCOPE_WORDS: Final = {
    "openid": "Know that it is you, by an identifier for this account",
    "profile": "See your name",
    "email": "See your email address",
    "offline_access": "Stay connected when you are not using it",
}
"""What a scope lets a client do; others are shown as they are."""


def too_many_tries(retry_after_s: int) -> str:
    return f"That was one try too many. Wait {duration(retry_after_s)}, then try again."


def duration(seconds: int) -> str:
    """Rounded up to a unit that one can wait by."""
    if seconds <= 90:
        return _counted(seconds, "second")
    if seconds <= 90 * 60:
        return _counted(-(-seconds // 60), "minute")
    return _counted(-(-seconds // 3600), "hour")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
