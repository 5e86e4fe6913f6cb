"""Both drivers on a real socket: nothing is followed, nothing is endless, nothing waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mtas._version import __version__
from mtas.aio import AsyncDriver
from mtas.core.config import load_config
from mtas.core.effects import LARGEST_BODY, Fetch, Fetched, Unreachable, fetch
from mtas.sync import SyncDriver

Handler = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers by the path."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        answers: dict[str, Handler] = {
            "/good": lambda it: _send(it, 200, b"{}"),
            "/redirect": lambda it: _send(it, 302, b"", Location="/good"),
            "/largest": lambda it: _send(it, 200, b"x" * LARGEST_BODY),
            "/larger": lambda it: _send(it, 200, b"x" * (LARGEST_BODY + 1)),
            "/cut": lambda it: _send(it, 200, b"x", **{"Content-Length": "5"}),
            "/silent": lambda it: time.sleep(1),
            "/drip": _drip,
        }
        seen = self.seen

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                answers[self.path](self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _send(it: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    it.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        it.send_header(name, value)
    it.end_headers()
    it.wfile.write(body)
    it.close_connection = True


def _drip(it: BaseHTTPRequestHandler) -> None:
    """Never long enough without a byte to be silent."""
    it.send_response(200)
    it.end_headers()
    for _ in range(15):
        try:
            it.wfile.write(b"x")
        except OSError:
            return
        time.sleep(0.1)
    it.close_connection = True


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(params=[AsyncDriver, SyncDriver])
def get(request: pytest.FixtureRequest, server: Server) -> Callable[[str], Any]:
    config = load_config(
        {
            "issuer": server.origin,
            "app_id": "app",
            "app_secret": "secret",
            "app_url": "http://localhost:8000",
            "cookie_secrets": "x" * 32,
            "timeout_s": 0.5,
        }
    )
    driver = request.param(config, time.monotonic)

    async def get(path: str) -> Fetched:
        answer = driver.run(fetch(Fetch("GET", server.origin + path, {"X-MTAS-Client": "test"})))
        close = driver.aclose if isinstance(driver, AsyncDriver) else driver.close
        try:
            fetched = await answer if isinstance(driver, AsyncDriver) else answer
            assert isinstance(fetched, Fetched)
            return fetched
        finally:
            closing = close()
            if closing is not None:
                await closing

    return get


async def test_an_answer(get: Callable[[str], Any], server: Server) -> None:
    assert (await get("/good")).body == b"{}"
    headers = server.seen[-1][1]
    assert headers["x-mtas-client"] == "test"
    assert headers["accept-encoding"] == "identity"


async def test_redirects_are_not_followed(get: Callable[[str], Any], server: Server) -> None:
    server.seen.clear()
    assert (await get("/redirect")).status == 302
    assert [path for path, _ in server.seen] == ["/redirect"]


async def test_bodies_have_a_limit(get: Callable[[str], Any]) -> None:
    assert len((await get("/largest")).body) == LARGEST_BODY
    with pytest.raises(Unreachable):
        await get("/larger")


@pytest.mark.parametrize("path", ["/silent", "/drip", "/cut"])
async def test_no_answer_in_time_or_half_of_one(get: Callable[[str], Any], path: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable):
        await get(path)
    assert time.monotonic() - began < 1.5


def test_the_client_names_itself() -> None:
    from mtas.core.provider import CLIENT_HEADERS

    assert CLIENT_HEADERS["X-MTAS-Client"] == f"mtas-python/{__version__}"
