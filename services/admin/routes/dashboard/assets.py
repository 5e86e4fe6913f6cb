"""Where the dashboard's styles, scripts and icon are served."""

from pathlib import Path
from typing import Annotated, Final

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from shared.pages.assets import Assets

_ASSETS: Final = Assets(Path(__file__).parents[2] / "pages" / "assets")


def asset_url(name: str) -> str:
    return f"/dashboard/assets/{_ASSETS.query(name)}"


@get("/dashboard/assets/{name:str}", include_in_schema=False)
async def asset(
    name: FromPath[str], version: Annotated[str | None, QueryParameter(name="v")] = None
) -> Response[bytes]:
    return _ASSETS.answer(name, version)
