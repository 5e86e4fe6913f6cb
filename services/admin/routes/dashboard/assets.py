"""The stylesheet, the icon and the script: read once, served by name, cached by their hash."""

import hashlib
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

_FOLDER: Final = Path(__file__).parents[2] / "pages" / "assets"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class _Asset(NamedTuple):
    content: bytes
    media_type: str
    version: str


def _read(path: Path) -> _Asset:
    content = path.read_bytes()
    return _Asset(content, _MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])


_ASSETS: Final = {path.name: _read(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _MEDIA_TYPES}


def asset_url(name: str) -> str:
    return f"/dashboard/assets/{name}?v={_ASSETS[name].version}"


@get("/dashboard/assets/{name:str}", include_in_schema=False)
async def asset(
    name: FromPath[str], version: Annotated[str | None, QueryParameter(name="v")] = None
) -> Response[bytes]:
    found = _ASSETS.get(name)
    if found is None:
        raise NotFoundException
    # Another version is asked for while instances are being replaced: not to be kept.
    cache = "public, max-age=31536000, immutable" if version == found.version else "no-store"
    return Response(
        found.content,
        media_type=found.media_type,
        headers={
            "Cache-Control": cache,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
