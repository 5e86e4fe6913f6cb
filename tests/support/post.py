"""A mail server for tests: takes mail, or refuses it as a test says, and shows what came."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Post:
    """`answers` are given in turn, then every mail is taken. Of others than `about` nothing is seen: what
    another test has asked for may be sent here."""

    about: str
    url: str = ""
    answers: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    tries: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        if self.about not in text_of(message):
            return "250 OK"
        self.tries += 1
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(message)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]


@asynccontextmanager
async def post_office(about: str) -> AsyncIterator[Post]:
    post = Post(about)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, enable_SMTPUTF8=True, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    post.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield post


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    """The first one, which is what the mail is about; the HTML part has the same."""
    (link, *_) = re.findall(r"https?://\S+", text_of(mail))
    html = mail.get_body(preferencelist=("html",))
    assert html is not None
    assert link.replace("&", "&amp;") in str(html.get_content())
    return str(link)
