"""A sentence for a person, which can be said in their language later.

Flows say what they mean in English, and don't know who reads it. `str()` is that English; whoever
renders a page looks the sentence up in a catalogue first, by the same English.
"""

from typing import Final


class Text:
    """`Text("Use at least %(number)s characters.", number=15)`; `message` is the key in the catalogues."""

    __slots__ = ("message", "values")

    def __init__(self, message: str, **values: object) -> None:
        self.message: Final = message
        self.values: Final = values

    def __str__(self) -> str:
        return self.message % self.values

    def __repr__(self) -> str:
        return f"Text({str(self)!r})"
