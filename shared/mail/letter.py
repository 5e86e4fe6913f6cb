"""A letter as a message: plain text first, HTML beside it, both from the same words (RFC 2046 §5.1.4)."""

from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What one says, in the reader's language. With `link`, `button` is what the link is called."""

    language: str
    direction: str
    sender: str  # whom it is from, as people know them: the app
    accent: str = "#3f44c9"  # of the button, whose text is white
    subject: str
    paragraphs: tuple[str, ...]
    button: str | None = None
    link: str | None = None
    link_hint: str | None = None  # above the bare address, for who cannot press the button
    small_print: tuple[str, ...] = ()


class BadAddress(Exception):
    """No mail can be sent to this address."""


def compose(letter: Letter, *, to: str, sender: str, message_id: UUID, date: datetime) -> EmailMessage:
    """`sender` is the address that all mail comes from; the letter's own name stands before it.

    The id is ours, so that a letter that had to be sent twice is shown once (RFC 5322 §3.6.4).
    Raises: BadAddress.
    """
    message = EmailMessage(policy=SMTP)
    origin = _address(sender)
    message["From"] = Address(_one_line(letter.sender), addr_spec=origin.addr_spec)
    message["To"] = _address(to)
    message["Subject"] = _one_line(letter.subject)
    message["Date"] = date
    message["Message-ID"] = f"<{message_id}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's holiday answers it
    message.set_content(_TEMPLATES.get_template("letter.txt").render(letter=letter), cte="quoted-printable")
    html = _TEMPLATES.get_template("letter.html").render(letter=letter)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = letter.language  # last: content that is set takes such headers away
    return message


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise BadAddress from error


def _one_line(text: str) -> str:
    return " ".join(text.split())
