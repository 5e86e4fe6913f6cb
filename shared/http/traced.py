"""The span of a request, around the whole application; only there when somebody collects traces.

The gateway says in `traceparent` which requests are traced; the others pass by. A span is named by the
route's template; its trace id is the log's, for both are the gateway's.
"""

import re
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.trace import Span, StatusCode

from shared.http.context import NOBODY_THERE, request_id
from shared.tracing.otlp import OtlpTracer

_TENANT: Final = re.compile(r"/(?:t|apps)/([a-z0-9-]{1,63})(?:/|$)")
_ODD: Final = b"13579bdf"


class TracedRequests:
    def __init__(self, app: ASGIApp, tracer: OtlpTracer) -> None:
        self._app: Final = app
        self._tracer: Final = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not (cause := _sampled(scope)):
            await self._app(scope, receive, send)
            return
        status = NOBODY_THERE

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._tracer.request(scope["method"], cause) as span:
            try:
                await self._app(scope, receive, note_status)
            except BaseException:
                status = 500
                raise
            finally:
                _describe(span, scope, status)


def _sampled(scope: Scope) -> str:
    """The `traceparent` of a request that is to be traced (W3C Trace Context §3.2.2.5), else nothing."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return value.decode("latin-1") if value[-1:] in _ODD else ""
    return ""


def _describe(span: Span, scope: Scope, status: int) -> None:
    """What was asked for, as we call it, and how it ended. Of a path that we do not know, nothing."""
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("mtas.request_id", request_id(scope))
    if status >= 500:
        span.set_status(StatusCode.ERROR)
    if route := scope.get("path_template"):
        span.update_name(f"{scope['method']} {route}")  # type: ignore[typeddict-item]
        span.set_attribute("http.route", route)
        if tenant := _TENANT.search(scope["path"]):
            span.set_attribute("mtas.tenant", tenant.group(1))
