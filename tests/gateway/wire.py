"""HTTP/1.1 on the wire, for tests that send exactly these bytes and read exactly those."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client got. `headers` keeps the first of each name: most tests need no more."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(method: str, target: str, headers: Headers = (), body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "host: auth.example.test"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def reply(status: int, body: bytes = b"", headers: Headers = ()) -> bytes:
    lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join([*lines, f"content-length: {len(body)}"]) + "\r\n\r\n").encode() + body


def headers_of(head: bytes) -> list[tuple[str, str]]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
    return [(name.lower(), value.strip()) for name, _, value in pairs]


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> Answer:
    """The next final answer. Raises: IncompleteReadError when the connection ends before it."""
    status = 100
    while status == 100:
        start = await reader.readuntil(b"\r\n\r\n")
        status = int(start.split(b" ", 2)[1])
    headers: dict[str, str] = {}
    for name, value in headers_of(start):
        headers.setdefault(name, value)
    if head or status in (204, 304):
        return Answer(status, headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Answer(status, headers, await _chunks(reader))
    return Answer(status, headers, await reader.readexactly(int(headers["content-length"])))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body
