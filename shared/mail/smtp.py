"""Hand a message to the mail server (RFC 5321), over TLS wherever it is offered (RFC 3207, RFC 8314).

`smtps://` is TLS from the first byte. `smtp://` becomes TLS when the server offers it; a password is
never sent without, except to this machine.
"""

import asyncio
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import (
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from shared.secret import Secret
from shared.unavailable import Unavailable

STEP_S: Final = 10.0
ALL_S: Final = 20.0
"""Less than an event is given (`ack_wait`, deploy/provision/nats.py): nobody else begins meanwhile."""
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_PORTS: Final = {"smtp": 587, "smtps": 465}


class MailServerAway(Unavailable):
    """Not now: it does not answer, or says so itself (4yz)."""


class MailRefused(Exception):
    """Never: the server will not take this message (5yz). The text is the server's."""


class Mailer:
    """One mail server. A connection a message: mail is rare, and a connection kept is one to lose."""

    def __init__(self, url: Secret, sender: str) -> None:
        """Raises: ValueError for a URL that is none of `smtp[s]://[user:password@]host[:port]`."""
        parts = urlsplit(url.reveal())
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("MTAS_SMTP_URL: smtp[s]://[user:password@]host[:port]")
        self.sender: Final = sender
        self._host: Final = parts.hostname
        self._port: Final = parts.port or _PORTS[parts.scheme]
        self._is_tls: Final = parts.scheme == "smtps"
        self._user: Final = unquote(parts.username) if parts.username else None
        self._password: Final = Secret(unquote(parts.password or ""))

    async def send(self, message: EmailMessage, to: str) -> None:
        """Raises: MailServerAway, MailRefused."""
        try:
            await self._send(message, to)
        except SMTPRecipientsRefused as error:
            raise _judged(error.recipients[0].code, error.recipients[0].message) from error
        except SMTPResponseException as error:
            raise _judged(error.code, error.message) from error
        except SMTPNotSupported as error:  # an address that this server has no words for
            raise MailRefused(str(error)) from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise MailServerAway(type(error).__name__) from error

    async def _send(self, message: EmailMessage, to: str) -> None:
        needs_tls = self._user is not None and self._host not in _THIS_MACHINE
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._is_tls,
            start_tls=None if self._is_tls or not needs_tls else True,  # None: where it is offered
            timeout=STEP_S,
        )
        async with asyncio.timeout(ALL_S), client:
            if self._user is not None:
                await client.login(self._user, self._password.reveal())
            await client.send_message(message, sender=self.sender, recipients=[to])


def _judged(code: int, text: str) -> Exception:
    """RFC 5321 §4.2.1: what begins with 5 will not change by trying again."""
    words = f"{code} {text}"
    return MailRefused(words) if code >= 500 else MailServerAway(words)
