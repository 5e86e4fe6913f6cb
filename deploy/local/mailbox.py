"""A mail server for this machine alone: takes every mail, delivers none, and shows them on a page.

    python -m deploy.local.mailbox --smtp 1025 --http 8025

Both ports are on the loopback interface, unless `--host` says otherwise, as in a container. What came is kept
in memory, the last 200; `/messages.json` has it for scripts (`?to=ADDRESS` for one address, newest first).
"""

import argparse
import asyncio
import json
import re
import signal
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP
from markupsafe import Markup, escape

from shared.pages.assets import stylesheet
from shared.pages.templates import environment

KEPT = 200
_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Received:
    number: int
    to: str
    message: EmailMessage
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "(no subject)")

    @property
    def sender(self) -> str:
        return str(self.message["From"])

    def part(self, kind: str) -> str:
        body = self.message.get_body(preferencelist=(kind,))
        return str(body.get_content()) if body is not None else ""


class Mailbox:
    """What came, newest first. `handle_DATA` is aiosmtpd's word for it."""

    def __init__(self) -> None:
        self.received: deque[Received] = deque(maxlen=KEPT)
        self._count = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        for to in envelope.rcpt_tos:
            self._count += 1
            self.received.appendleft(Received(self._count, to, message))
        return "250 Taken, and delivered to nobody"


def page_server(mailbox: Mailbox, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            # A page elsewhere must not read mail through a name that it points at this machine.
            if (self.headers.get("Host") or "").rpartition(":")[0] not in _HOSTS:
                self._send(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", "Ask for localhost.")
            elif url.path == "/messages.json":
                self._send(HTTPStatus.OK, "application/json", _json(mailbox, parse_qs(url.query).get("to")))
            elif url.path == "/":
                self._send(HTTPStatus.OK, "text/html", _page(list(mailbox.received)))
            elif url.path in _FILES:
                self._send(HTTPStatus.OK, *_FILES[url.path])
            elif found := [each for each in mailbox.received if url.path == f"/{each.number}"]:
                self._send(HTTPStatus.OK, "text/html", _page([], found[0]))
            else:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", "There is no such message.")

        def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
                "connect-src 'self'; frame-src 'self'; frame-ancestors 'self'",
            )
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    return ThreadingHTTPServer((host, port), Page)


def _json(mailbox: Mailbox, to: list[str] | None) -> str:
    return json.dumps(
        [
            {
                "to": each.to,
                "from": each.sender,
                "subject": each.subject,
                "message_id": str(each.message["Message-ID"]),
                "headers": dict(each.message.items()),
                "text": each.part("plain"),
                "html": each.part("html"),
            }
            for each in list(mailbox.received)
            if to is None or each.to in to
        ]
    )


_PAGES = environment(Path(__file__).parent)
_PAGES.filters["links"] = lambda text: Markup(_LINK.sub(r'<a href="\g<0>">\g<0></a>', str(escape(text))))  # noqa: S704
_FILES = {
    "/style.css": ("text/css", stylesheet(Path(__file__).with_name("mailbox.css")).decode()),
    "/mailbox.js": ("text/javascript", Path(__file__).with_name("mailbox.js").read_text()),
}


def _page(received: list[Received], mail: Received | None = None) -> str:
    return _PAGES.get_template("mailbox.html").render(received=received, mail=mail)


async def serve(mailbox: Mailbox, smtp_port: int, http_port: int, host: str) -> None:
    """Until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    pages = page_server(mailbox, http_port, host)
    Thread(target=pages.serve_forever, daemon=True).start()
    server = await loop.create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="localhost", loop=loop), host, smtp_port
    )
    async with server:
        await stopping.wait()
    pages.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.mailbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--smtp", type=int, default=1025)
    parser.add_argument("--http", type=int, default=8025)
    arguments = parser.parse_args()
    asyncio.run(serve(Mailbox(), arguments.smtp, arguments.http, arguments.host))


if __name__ == "__main__":
    main()
