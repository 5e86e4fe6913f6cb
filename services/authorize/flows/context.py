"""What a flow of the authorize service works with, and who is in front of it."""

from dataclasses import dataclass

import msgspec

from services.authorize.flows.public_keys import PublicKeys
from shared.clock import Clock, Entropy
from shared.db import Database
from shared.directory import Directory
from shared.events.outbox import Relay
from shared.known_devices import KnownDevices
from shared.limits import Limiter
from shared.mail.links import Links
from shared.mail.smtp import Mailer
from shared.observations import Observations
from shared.passwords import Passwords
from shared.texts import Texts
from shared.valkey import Valkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`mailer` is None where no mail server is set; `public_url` is what every link in a mail begins with."""

    public_url: str
    database: Database
    valkey: Valkey
    directory: Directory
    public_keys: PublicKeys
    passwords: Passwords
    limiter: Limiter
    devices: KnownDevices
    relay: Relay
    observations: Observations
    links: Links
    mailer: Mailer | None
    texts: Texts
    clock: Clock
    entropy: Entropy


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """The browser at the other end: what its cookies say, and where it calls from.

    `browser` tells browsers apart, signed in or not: random, and never stored as it is.
    `session_token` is a signed-in one's. `device` is whom it was signed in as before (`known_devices`).
    `user_agent` is what it calls itself, for its user to know it by.
    """

    browser: str
    session_token: str | None
    device: str | None
    address: str
    user_agent: str
