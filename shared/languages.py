"""The languages of the hosted pages and mails, for whoever speaks them and whoever says so.

Who says something has the words: a catalogue each, in `services/{name}/texts`. Discovery names them.
"""

from typing import Final, Literal, TypeAlias

SOURCE: Final = "en"
"""What stands in the code, and needs no catalogue."""
LANGUAGES: Final = (SOURCE, "de")
Tag: TypeAlias = Literal["en", "de"]
