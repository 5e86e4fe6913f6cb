"""Who is in front of us, before anything else of a request is read.

`arrive` guards every page: it finds the session behind the cookie, and lets a form through only
when it comes from our own origin and carries a token that this browser was given.
"""

import re
from datetime import timedelta
from typing import Final, TypeAlias
from urllib.parse import quote

from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from services.admin.flows import sessions
from services.admin.flows.access import Principal
from services.admin.flows.confirm_identity import confirm_identity, is_fresh
from services.admin.flows.context import Context
from services.admin.flows.sessions import StartedSession
from services.admin.routes.dashboard.forms import (
    UPLOAD,
    Form,
    read_form,
    read_upload,
    require_same_origin,
    require_token,
)
from services.admin.routes.dashboard.web import AnyConnection, Web
from shared import known_devices
from shared.http.browser import DEVICE, AnyRequest, Cookies
from shared.http.context import client_address
from shared.secret import Secret

_BROWSER_LIFETIME: Final = timedelta(days=1)
_PAGE: Final = re.compile(r"/dashboard(?:/[a-z0-9-]+)*")


class SignInNeeded(Exception):
    """Nobody is signed in; `location` is where they can, and come back from."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location: Final = location


class Visit:
    """One request of one browser: who it is, and the cookies that the answer sets."""

    def __init__(self, web: Web, request: AnyRequest) -> None:
        self._web: Final = web
        self.path: Final = str(request.scope["path"])
        self.method: Final = str(request.method)
        self.address: Final = client_address(request.scope)
        cookies = Cookies(request)
        self.session_token = cookies.get(web.session_cookie)
        self.device = cookies.get(web.device_cookie, DEVICE)
        self._browser = cookies.get(web.browser_cookie)
        self.principal: Principal | None = None
        self.form = Form()
        self.cookies: list[Cookie] = []

    async def recognise(self, context: Context) -> None:
        self.principal = await self.recognised(context)

    async def recognised(self, context: Context) -> Principal | None:
        """Whose live session it is, as of now."""
        return await sessions.get_principal(context, self.session_token) if self.session_token else None

    @property
    def form_token(self) -> str:
        """For the page's forms: bound to the session, or to the browser where there is none."""
        holder = self.session_token or self._browser
        if holder is None:
            holder = self._browser = self._web.new_browser()
            self.cookies.append(self._web.cookie(self._web.browser_cookie, holder, _BROWSER_LIFETIME))
        return self._web.form_token(holder)

    def require_principal(self) -> Principal:
        """Raises: SignInNeeded."""
        if self.principal is None:
            back = f"?next={quote(self.path)}" if self.method == "GET" and is_page(self.path) else ""
            raise SignInNeeded(f"/dashboard/sign-in{back}")
        return self.principal

    def signed_in(self, session: StartedSession) -> None:
        """The answer carries this session, and none before it."""
        self.session_token = session.token.reveal()
        self.cookies.append(self._web.cookie(self._web.session_cookie, self.session_token, sessions.ABSOLUTE))
        self.knows_device(session.device)

    def knows_device(self, device: Secret) -> None:
        """The answer carries this proof that its account was at home here."""
        self.device = device.reveal()
        self.cookies.append(self._web.cookie(self._web.device_cookie, self.device, known_devices.LIFETIME))

    def signed_out(self) -> None:
        self.session_token = None
        self.principal = None
        self.cookies.append(self._web.cookie(self._web.session_cookie, "", timedelta(0)))

    async def confirmed(self, context: Context) -> Principal:
        """Who asks, confirmed by the form's password where the last one is too long ago.

        Raises: SignInNeeded, Invalid, TooManyTries.
        """
        principal = self.require_principal()
        password = self.form.raw("password")
        if is_fresh(context, principal) or not password:
            return principal  # without a password, the flow says that one is needed
        assert self.session_token is not None
        self.principal, session = await confirm_identity(
            context, principal, self.session_token, password, address=self.address, device=self.device
        )
        self.signed_in(session)
        return self.principal


GivenVisit: TypeAlias = NamedDependency[Visit]


def arrive(context: Context, web: Web) -> Guard:
    """Raises: PermissionDeniedException for a form that is not from us, SignInNeeded, HTTPException."""

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        assert isinstance(connection, Request)
        visit = Visit(web, connection)
        connection.scope["state"]["visit"] = visit
        if visit.method == "POST":
            require_same_origin(connection, web)
        await visit.recognise(context)
        if visit.method == "POST":
            visit.form = await _form(connection, visit, is_upload=bool(handler.opt.get(UPLOAD)))
            require_token(visit.form, visit.form_token)

    return guard


async def _form(request: AnyRequest, visit: Visit, *, is_upload: bool) -> Form:
    """What is large is read from nobody who is not signed in. Raises: SignInNeeded, HTTPException."""
    if not is_upload:
        return await read_form(request)
    visit.require_principal()
    return await read_upload(request)


async def provide_visit(request: AnyRequest) -> Visit:
    """Whom the guard found."""
    visit: Visit = request.scope["state"]["visit"]
    return visit


async def provide_principal(request: AnyRequest) -> Principal:
    """Raises: SignInNeeded."""
    return (await provide_visit(request)).require_principal()


def is_page(path: str) -> bool:
    """Is this one of our own pages: somewhere that a browser may be sent?"""
    return _PAGE.fullmatch(path) is not None
