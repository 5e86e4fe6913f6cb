"""Requests that two parsers could read differently (RFC 9112 §11.2): refused before a service sees anything.

`Service` itself fails on a lone CR or LF in what it receives.
"""

import asyncio
from contextlib import suppress

import pytest

from tests.gateway.process import Gateway
from tests.gateway.wire import read_answer

POST = b"POST /t/acme/token HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /t/acme/jwks.json HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /dashboard/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

REFUSED = {
    "length and chunked": POST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunked and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding list": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "space before colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "plus": POST + b"Content-Length: +3\r\n\r\nabc",
    "minus": POST + b"Content-Length: -3\r\n\r\nabc",
    "hexadecimal": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "LF after a chunk size": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "LF after chunk data": CHUNKED + b"3\r\nabc\n0\r\n\r\n",
    "LF in a chunk extension": CHUNKED + b"3;a\nabc\r\n0\r\n\r\n",
    "CR in a chunk extension": CHUNKED + b"3;a\rabc\r\n0\r\n\r\n",
    "chunk size overflow": CHUNKED + b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "chunk longer than it says": CHUNKED + b"3\r\nabcXX0\r\n\r\n",
    "NUL in a value": GET + b"Host: x\r\nX-A: b\0c\r\n\r\n",
    "CR in the host": GET + b"Host: x\rX-A: b\r\n\r\n",
    "space before the first header": GET + b" X: y\r\nHost: x\r\n\r\n",
    "empty header name": GET + b"Host: x\r\n: y\r\n\r\n",
    "no host": GET + b"\r\n",
    "HTTP/1.0": b"GET /t/acme/jwks.json HTTP/1.0\r\nHost: x\r\n\r\n",
    "HTTP/1.0 chunked": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "HTTP/0.9": b"GET /t/acme/jwks.json\r\n\r\n",
    "lower case version": b"GET /t/acme/jwks.json http/1.1\r\nHost: x\r\n\r\n",
    "space in the path": b"GET /t/acme/ jwks.json HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /t/acme/jwks.json#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "raw byte in the path": b"GET /t/acme/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the method": b"G\0T /t/acme/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n",
    "lower case method": b"get /t/acme/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT localhost:8104 HTTP/1.1\r\nHost: localhost:8104\r\n\r\n",
    "websocket": GET + b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
async def test_refused_before_a_service_sees_anything(gateway: Gateway, data: bytes) -> None:
    answer = await gateway.send(data)
    assert answer.status in (400, 403, 426, 501)
    assert answer.headers["connection"] == "close"
    assert not gateway.seen()


@pytest.mark.parametrize("case", ["length and chunked", "chunked and length", "websocket"])
async def test_what_follows_a_refused_request_is_never_read(gateway: Gateway, case: str) -> None:
    async with gateway.connection() as (reader, writer):
        writer.write(REFUSED[case])
        await read_answer(reader)
        writer.write(SMUGGLED)
        with suppress(ConnectionResetError):
            assert b"HTTP/1.1" not in await asyncio.wait_for(reader.read(), 5)
    assert not gateway.seen()


READ_ONE_WAY = {
    "h2c upgrade": (
        GET + b"Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    ),
    "LF for every line end": b"GET /t/acme/jwks.json HTTP/1.1\nHost: x\nX-A: b\n\n",
    "LF inside what looks like a value": GET + b"Host: x\r\nX-A: b\nX-Forwarded-For: 203.0.113.9\r\n\r\n",
    "folded header": GET + b"Host: x\r\nX-A: b\r\n X-Forwarded-For: 203.0.113.9\r\n\r\n",
    "CR in a value": GET + b"Host: x\r\nX-A: b\rc\r\n\r\n",
    "trailers": CHUNKED + b"3\r\nabc\r\n0\r\nX-Forwarded-For: 203.0.113.9\r\nAuthorization: a\r\n\r\n",
    "chunk extension": CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n",
    "expectation": POST + b"Expect: 200-evil\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("data", READ_ONE_WAY.values(), ids=READ_ONE_WAY.keys())
async def test_what_may_be_read_is_written_anew(gateway: Gateway, data: bytes) -> None:
    """RFC 9112 §2.2 lets a lone LF end a line, and Envoy does. The service gets one request, in CRLF,
    with nothing of the doubtful part."""
    answer = await gateway.send(data)
    assert answer.status == 200
    (seen,) = gateway.seen()
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    names = {name for name, _ in seen.headers}
    assert not names & {"upgrade", "http2-settings", "connection", "expect", "trailer", "transfer-encoding"}
    assert "authorization" not in names


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 6\r\nX-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        POST + b"X-A: b\nContent-Length: 0\r\nContent-Length: 50\r\n\r\n" + SMUGGLED,
        b"POST /t/acme/token HTTP/1.1\nHost: x\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n"
        + SMUGGLED,
    ],
)
async def test_a_lone_line_feed_hides_no_second_framing(gateway: Gateway, data: bytes) -> None:
    assert (await gateway.send(data)).status == 400
    assert not gateway.seen()


async def test_pipelined_requests_are_each_matched(gateway: Gateway) -> None:
    async with gateway.connection() as (reader, writer):
        writer.write(GET + b"Host: x\r\n\r\n" + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_answer(reader)).status == 200
        assert (await read_answer(reader)).status == 404
    assert [seen.target for seen in gateway.seen()] == ["/t/acme/jwks.json"]
