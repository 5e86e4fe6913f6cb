"""Styles, scripts and the icon: read once, served by name, cached by their hash."""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from litestar import Response
from litestar.exceptions import NotFoundException

OURS: Final = Path(__file__).with_name("assets")
STYLES: Final = ("tokens.css", "base.css", "controls.css", "parts.css")
"""The design system, in the order in which it cascades; a service's own `style.css` comes last."""
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    content: bytes
    media_type: str
    version: str


class Assets:
    """What a service's pages load: the design system's files, and those of its own `folder`.

    `style.css` is all of the design system and the service's own after it, in one file. The
    address carries a hash of the content, so browsers may keep it for ever.
    """

    def __init__(self, folder: Path) -> None:
        files = [*OURS.iterdir(), *folder.iterdir()]
        found = {path.name: path.read_bytes() for path in files if path.suffix in _MEDIA_TYPES}
        found["style.css"] = stylesheet(folder / "style.css")
        self._assets: Final = {name: _asset(name, found[name]) for name in found.keys() - STYLES}

    def query(self, name: str) -> str:
        """What stands behind the asset's path in a page: `name?v=hash`. Raises: KeyError."""
        return f"{name}?v={self._assets[name].version}"

    def answer(self, name: str, version: str | None) -> Response[bytes]:
        """Raises: NotFoundException."""
        found = self._assets.get(name)
        if found is None:
            raise NotFoundException(detail="no such asset")
        # While instances are being replaced, one is asked for what the other has: served, not kept.
        return Response(
            found.content,
            media_type=found.media_type,
            headers={
                "Cache-Control": _KEPT if version == found.version else "no-store",
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Resource-Policy": "same-origin",
            },
        )


def stylesheet(own: Path) -> bytes:
    """The design system's styles and then `own`."""
    return b"\n".join(path.read_bytes() for path in [*(OURS / name for name in STYLES), own])


def _asset(name: str, content: bytes) -> Asset:
    return Asset(content, _MEDIA_TYPES[Path(name).suffix], hashlib.sha256(content).hexdigest()[:16])
