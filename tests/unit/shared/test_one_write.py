"""An answer leaves in one write, and nothing that a client waits for is held back."""

import asyncio
from typing import Any, cast

from shared.http.one_write import _HeldHead


class Sent:
    """What a transport was asked to do, in order."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def close(self) -> None:
        self.calls.append("close")

    def is_closing(self) -> bool:
        return False


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


def held() -> tuple[_HeldHead, Sent]:
    sent = Sent()
    return _HeldHead(cast(asyncio.Transport, sent)), sent


def test_head_and_body_are_one_write() -> None:
    transport, sent = held()
    transport.write(HEAD)
    assert sent.calls == []
    transport.write(b"ok")
    transport.write(b"more")
    assert sent.calls == [HEAD + b"ok", b"more"]


def test_an_answer_without_a_body_leaves_when_it_is_complete_or_the_connection_closes() -> None:
    transport, sent = held()
    transport.write(HEAD)
    transport.release()
    transport.release()
    transport.write(HEAD)
    transport.close()
    assert sent.calls == [HEAD, HEAD, "close"]


def test_an_interim_answer_is_not_held_back() -> None:
    transport, sent = held()
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert len(sent.calls) == 1


def test_everything_else_is_the_transport_s() -> None:
    transport, _ = held()
    assert transport.is_closing() is False
