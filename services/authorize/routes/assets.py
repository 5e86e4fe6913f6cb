"""Styles, scripts and the icon, below every tenant's path; no tenant is looked up for them."""

from pathlib import Path
from typing import Annotated, Final

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from shared.pages.assets import Assets

_ASSETS: Final = Assets(Path(__file__).parents[1] / "pages" / "assets")


def asset_url(slug: str, name: str) -> str:
    return f"/t/{slug}/assets/{_ASSETS.query(name)}"


@get("/t/{slug:str}/assets/{name:str}", sync_to_thread=False)
def asset(
    name: FromPath[str], version: Annotated[str | None, QueryParameter(name="v")] = None
) -> Response[bytes]:
    return _ASSETS.answer(name, version)
