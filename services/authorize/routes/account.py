"""`/account`: what a signed-in user sees of their account, and may do with it."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from services.authorize.routes.here import Here


@get("/t/{slug:str}/account")
async def account_page(here: NamedDependency[Here]) -> Response[Any]:
    session = await here.session()
    if session is None:
        return here.pages.see_other(here.pages.path("login"))
    return here.pages.page("account.html", session=session)
