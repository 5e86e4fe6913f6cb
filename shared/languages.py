"""The languages of the hosted pages and mails, for whoever speaks them and whoever says so.

Authorize has the words: a catalogue each, in `services/authorize/texts`. Discovery names them.
"""

from typing import Final

SOURCE: Final = "en"
"""What stands in the code, and needs no catalogue."""
LANGUAGES: Final = (SOURCE, "de")
