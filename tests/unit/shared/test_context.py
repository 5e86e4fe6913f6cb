"""Around a request: what its log line says of an answer that never came."""

from contextlib import suppress
from typing import Any, cast

import pytest
from litestar.types import Message, Scope

from shared import log
from shared.http.context import RequestContext

SCOPE = {"type": "http", "method": "POST", "path": "/t/acme/token", "headers": []}


async def logged(monkeypatch: pytest.MonkeyPatch, app: Any) -> int:
    statuses: list[int] = []
    monkeypatch.setattr(log, "request", lambda _method, _path, status, _seconds: statuses.append(status))

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        pass

    with suppress(RuntimeError):
        await RequestContext(app)(cast(Scope, dict(SCOPE)), receive, send)
    (status,) = statuses
    return status


async def test_a_client_that_has_gone_is_not_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(_scope: Scope, receive: Any, _send: Any) -> None:
        await receive()

    assert await logged(monkeypatch, gone) == 499


async def test_an_exception_is_a_500_even_after_the_answer_had_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_scope: Scope, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("it broke")

    assert await logged(monkeypatch, breaks) == 500


async def test_an_answer_is_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(_scope: Scope, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})

    assert await logged(monkeypatch, answers) == 404
