"""Around the whole application: ids of the request, and its log line.

Plain ASGI, because a framework's middleware does not run on paths that match no route.
"""

import re
import time
import uuid
from typing import Final

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared import log
from shared.http import leaving
from shared.readings import Seconds

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_QUIET: Final = ("/livez", "/readyz", "/metrics")
NOBODY_THERE: Final = 499
"""In the log alone: the client had gone before there was an answer."""

_NO_ROUTE: Final = "none"
_CLASSES: Final = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
_REQUESTS: Final = Seconds(
    "mtas_request_seconds", "From a request to the end of its answer", "route", "status"
)


def request_id(scope: Scope) -> str:
    """The id that the gateway gave this request; shown on error pages and in every log line."""
    return str(scope["state"].get("request_id", ""))


def client_address(scope: Scope) -> str:
    """The peer's address as the gateway saw it: the last X-Forwarded-For value, or our own peer."""
    forwarded = _header(scope, b"x-forwarded-for")
    if forwarded:
        return forwarded.rpartition(",")[2].strip()
    client = scope.get("client")
    return client[0] if client else ""


class RequestContext:
    """Gives log lines the request's ids, answers with `X-Request-Id`, logs one line a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":  # answered as GET; the server leaves out the body (RFC 9110 §9.3.2)
            scope = {**scope, "method": HttpMethod.GET}
        given = _header(scope, b"x-request-id")
        identity = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = identity
        # The server gives every request a task of its own, so nothing needs to be taken back.
        log.request_ids.set(log.RequestIds(identity, _trace_id(scope, identity)))
        status = NOBODY_THERE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", identity.encode()),
                    *leaving.headers(),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except BaseException:
            status = 500  # which the server answers with, or cuts what was begun
            raise
        finally:
            if scope["path"] not in _QUIET:
                seconds = time.perf_counter() - started
                _REQUESTS.observe(seconds, scope.get("path_template") or _NO_ROUTE, _CLASSES[status // 100])
                # The path and never the query: it may hold a code.
                log.request(method, scope["path"], status, seconds)


def _trace_id(scope: Scope, identity: str) -> str | None:
    """Of the trace that the request is part of (W3C Trace Context); without one, its id in that form."""
    if trace := _TRACEPARENT.fullmatch(_header(scope, b"traceparent")):
        return trace.group(1)
    compact = identity.replace("-", "")
    return compact if _TRACE_ID.fullmatch(compact) else None


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""
