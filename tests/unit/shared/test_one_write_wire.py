"""On a real socket an answer is to the byte what uvicorn alone sends, however the request came."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http.one_write import OneWriteProtocol

LINE = "{} HTTP/1.1\r\nHost: x\r\n"
GET = LINE.format("GET /") + "\r\n"
CASES = {
    "an answer": [GET],
    "HEAD": [LINE.format("HEAD /") + "\r\n"],
    "pipelined, HEAD and an empty answer among them": [
        GET + LINE.format("HEAD /") + "\r\n" + LINE.format("GET /empty") + "\r\n" + GET
    ],
    "an empty answer": [LINE.format("OPTIONS /empty") + "\r\n"],
    "in parts": [LINE.format("GET /parts") + "\r\n"],
    "before the body was read": [
        LINE.format("POST /early") + "Content-Length: 100000\r\n\r\n",
        "x" * 100_000 + GET,
    ],
    "100 Continue": [LINE.format("POST /") + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", "ok"],
    "the last on its connection": [LINE.format("HEAD /") + "Connection: close\r\n\r\n"],
    "no HTTP after an answer": [GET + "what?\r\n\r\n"],
    "an answer that breaks off": [LINE.format("GET /breaks") + "\r\n"],
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"]
    if path not in ("/early", "/empty"):
        while (await receive()).get("more_body"):
            pass
    status, length = (204, []) if path == "/empty" else (200, [(b"content-length", b"2")])
    headers = [] if path == "/parts" else length
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if path == "/breaks":
        raise RuntimeError("it broke")
    for part in (b"HTTP/1.1 ", b"") if path == "/parts" else ():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    body = b"" if path == "/empty" else b"ok"
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def said(http: type[asyncio.Protocol], parts: list[str]) -> bytes:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config: Any = {"lifespan": "off", "log_config": None, "access_log": False, "date_header": False}
    server = uvicorn.Server(uvicorn.Config(app, http=http, timeout_keep_alive=5, **config))
    task = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    for sent in parts:
        writer.write(sent.encode())
        await asyncio.sleep(0.05)
    answered = b""
    with suppress(TimeoutError):  # what is held back until the connection closes is no answer
        async with asyncio.timeout(0.5):
            while part := await reader.read(65536):
                answered += part
    writer.close()
    server.should_exit = True
    await task
    return answered


async def all_said(http: type[asyncio.Protocol]) -> dict[str, bytes]:
    """At once, for each is listened to for half a second."""
    answers = await asyncio.gather(*(said(http, parts) for parts in CASES.values()))
    return dict(zip(CASES, answers, strict=True))


async def test_the_bytes_are_uvicorn_s() -> None:
    ours = await all_said(OneWriteProtocol)
    assert ours == await all_said(HttpToolsProtocol)
    assert [case for case, answer in ours.items() if not answer.startswith(b"HTTP/1.1 ")] == []
