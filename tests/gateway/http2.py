"""Just enough HTTP/2 (RFC 9113) to ask, and to misbehave."""

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS = 1, 4

# HPACK's static table (RFC 7541 Appendix A) has one-byte entries for these.
STATUS_200 = 0x88


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def hello() -> bytes:
    return PREFACE + frame(SETTINGS, 0, 0)


def ask(
    stream: int, method: str, path: str, headers: Sequence[tuple[str, str]] = (), flags: int = 5
) -> bytes:
    """HEADERS with every field a literal without indexing (RFC 7541 §6.2.2)."""
    fields = [(":method", method), (":scheme", "http"), (":authority", "x"), (":path", path), *headers]
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields
    )
    return frame(HEADERS, flags, stream, block)


def reset(stream: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Kind, stream and payload. Raises: IncompleteReadError at the end of the connection."""
    start = await reader.readexactly(9)
    length = int.from_bytes(start[:3])
    return start[3], int.from_bytes(start[5:9]) & 0x7FFFFFFF, await reader.readexactly(length)


async def read_until(reader: asyncio.StreamReader, kind: int, stream: int) -> bytes:
    """The payload of the next frame of this kind on this stream."""
    while True:
        got, where, payload = await asyncio.wait_for(read_frame(reader), 5)
        if (got, where) == (kind, stream):
            return payload


async def is_refused(reader: asyncio.StreamReader, stream: int) -> bool:
    """Whether the stream ends in anything but an answer of 200."""
    try:
        while True:
            kind, where, payload = await asyncio.wait_for(read_frame(reader), 5)
            if kind == GOAWAY or (kind, where) == (RST_STREAM, stream):
                return True
            if (kind, where) == (HEADERS, stream):
                return payload[0] != STATUS_200
    except (asyncio.IncompleteReadError, ConnectionError):
        return True


async def ended(reader: asyncio.StreamReader) -> None:
    """Returns when the other side says goodbye, or just goes."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while (await read_frame(reader))[0] != GOAWAY:
            pass
