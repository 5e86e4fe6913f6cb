"""An answer before it is anybody's: Litestar's handlers return it, plain ASGI sends it."""

import functools
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from litestar import Response
from litestar.types import Send

from shared.http.headers import NO_STORE

encode: Final = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """Status, JSON and headers; never cached unless the headers say otherwise."""

    status: int
    body: bytes
    headers: Mapping[str, str] = NO_STORE


def to_response(answer: Answer) -> Response[bytes]:
    return Response(
        content=answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        media_type="application/json",
    )


@functools.lru_cache(maxsize=256)  # nearly always the same few
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode(), value.encode("latin-1")


async def send_answer(send: Send, answer: Answer) -> None:
    headers = [_encoded(name, value) for name, value in answer.headers.items()]
    if answer.status != 204:  # RFC 9110 §8.6: no length where there is no content
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
