"""Styles and the one script, below every tenant's path; no tenant is looked up for them."""

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.authorize.routes.web import AnyRequest

_FOLDER: Final = Path(__file__).parents[1] / "pages" / "assets"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOREVER: Final = "public, max-age=31536000, immutable"
_BRIEFLY: Final = "public, max-age=60"


class _Asset(NamedTuple):
    content: bytes
    media_type: str
    version: str


class Assets:
    """Read once. The URL carries a hash of the content, so it may be kept for ever."""

    def __init__(self) -> None:
        self._assets: Final = {path.name: _read(path) for path in _FOLDER.iterdir() if path.suffix in _TYPES}

    def url(self, slug: str, name: str) -> str:
        return f"/t/{slug}/assets/{name}?v={self._assets[name].version}"

    def routes(self) -> list[HTTPRouteHandler]:
        @get("/t/{slug:str}/assets/{name:str}", sync_to_thread=False)
        def asset(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
            found = self._assets.get(name)
            if found is None:
                raise NotFoundException(detail="no such asset")
            return Response(
                content=found.content, headers=_headers(request, found), media_type=found.media_type
            )

        return [asset]


def _headers(request: AnyRequest, asset: _Asset) -> dict[str, str]:
    # While two versions run side by side, one is asked for what the other has: served, not kept.
    is_ours = request.query_params.get("v") == asset.version
    return {
        "Cache-Control": _FOREVER if is_ours else _BRIEFLY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _read(path: Path) -> _Asset:
    content = path.read_bytes()
    return _Asset(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
