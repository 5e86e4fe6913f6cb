"""The token endpoint in HTTP (RFC 6749 §3.2): what the service does all day, so plain ASGI.

It stands before Litestar and passes everything else on to it; docs/adr/0011 has the figures.
"""

from collections.abc import Mapping
from typing import Final

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from services.token.flows import pipeline
from services.token.flows.context import Context
from shared.http.answer import Answer, encode, send_answer
from shared.http.context import request_id
from shared.http.cors import cors_headers, preflight_headers
from shared.http.errors import answer_to
from shared.oauth.errors import OAuthError

_PREFIX: Final = "/t/"
_SUFFIX: Final = "/token"
_TEMPLATE: Final = "/t/{slug:str}/token"
_READ: Final = frozenset((b"authorization", b"content-type", b"origin"))
_FORM: Final = "application/x-www-form-urlencoded"


class _ClientGone(Exception):
    """The connection closed before the request was whole: there is nobody to answer."""


class TokenEndpoint:
    """`/t/{tenant}/token`, before `app`, which has every other path."""

    def __init__(self, app: ASGIApp, context: Context, *, max_body: int) -> None:
        self._app: Final = app
        self._context: Final = context
        self._max_body: Final = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not (slug := _tenant_in(scope["path"])):
            await self._app(scope, receive, send)
            return
        scope["path_template"] = _TEMPLATE
        headers: dict[str, str] = {}
        try:
            answer = await self._answer(slug, scope, receive, headers)
        except _ClientGone:
            return
        except Exception as error:
            answer = answer_to(error, request_id(scope))
        await send_answer(send, answer._replace(headers={**answer.headers, **headers}))

    async def _answer(self, slug: str, scope: HTTPScope, receive: Receive, headers: dict[str, str]) -> Answer:
        """`headers` receives what goes with any answer, an error's too."""
        tenant = await self._context.directory.tenant_by_slug(slug)
        if tenant is None:
            raise NotFoundException(detail="no such tenant")
        given = _headers(scope)
        headers.update(await cors_headers(given.get(b"origin"), self._context.directory, tenant))
        if scope["method"] == "OPTIONS":
            return Answer(204, b"", preflight_headers(headers, "POST"))
        if scope["method"] != "POST":
            raise MethodNotAllowedException(detail="POST only", headers={"Allow": "OPTIONS, POST"})
        if scope["query_string"]:
            raise OAuthError("invalid_request", "parameters belong in the body, not in the URL")
        if given.get(b"content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise HTTPException(status_code=415, detail=f"the body must be {_FORM}")
        _refuse_two_credentials(scope)
        body = await _read(receive, self._max_body)
        return Answer(
            200, encode(await pipeline.answer(self._context, tenant, given.get(b"authorization"), body))
        )


def _tenant_in(path: str) -> str:
    """The slug, when the path is a tenant's token endpoint; else nothing."""
    if not (path.startswith(_PREFIX) and path.endswith(_SUFFIX)):
        return ""
    slug = path[len(_PREFIX) : -len(_SUFFIX)]
    return slug if "/" not in slug else ""


def _headers(scope: HTTPScope) -> Mapping[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}


def _refuse_two_credentials(scope: HTTPScope) -> None:
    """Raises: OAuthError for a second Authorization: which of them counts is not ours to guess."""
    if [name for name, _ in scope["headers"]].count(b"authorization") > 1:
        raise OAuthError("invalid_request", "Authorization is sent twice")


async def _read(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises: HTTPException 413 beyond `limit` bytes."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _ClientGone
        body += message["body"]
        if len(body) > limit:
            raise HTTPException(status_code=413, detail="the body is too large")
        if not message["more_body"]:
            return body
