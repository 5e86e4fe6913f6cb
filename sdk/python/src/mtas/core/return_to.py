"""Where a login may lead afterwards: a path of this app, and nothing a browser could read otherwise."""

import re
from typing import Final
from urllib.parse import quote, unquote

_LONGEST: Final = 2048
_FORBIDDEN: Final = re.compile(r"[\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_END: Final = re.compile(r"[?#]")
_PLAIN: Final = "".join(map(chr, range(0x21, 0x7F)))
_OWN: Final = ("login", "callback", "logout", "me")


def local_path(text: str | None, prefix: str) -> str | None:
    """The path, ready for a Location header; None when it is not one to go to."""
    if text is None or not text.startswith("/") or len(text) > _LONGEST or _FORBIDDEN.search(text):
        return None
    path = _PATH_END.split(text, maxsplit=1)[0]
    if "//" in path or _BROKEN_ESCAPE.search(path):
        return None
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return None
    if any(segment in (".", "..") for segment in decoded.split("/")):
        return None
    if any(decoded == f"{prefix}/{own}" or decoded.startswith(f"{prefix}/{own}/") for own in _OWN):
        return None
    location = quote(text, safe=_PLAIN)
    return location if len(location) <= _LONGEST else None
