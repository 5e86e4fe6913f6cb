"""What a flow of the authorize service works with, and who is in front of it."""

from dataclasses import dataclass

import msgspec

from services.authorize.flows.public_keys import PublicKeys
from shared.clock import Clock, Entropy
from shared.db import Database
from shared.directory import Directory
from shared.events.outbox import Relay
from shared.limits import Limiter
from shared.observations import Observations
from shared.passwords import Passwords
from shared.valkey import Valkey


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    database: Database
    valkey: Valkey
    directory: Directory
    public_keys: PublicKeys
    passwords: Passwords
    limiter: Limiter
    relay: Relay
    observations: Observations
    clock: Clock
    entropy: Entropy


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """The browser at the other end: what its cookies say, and where it calls from.

    `browser` tells browsers apart, signed in or not: random, and never stored as it is.
    `session_token` is a signed-in one's.
    """

    browser: str
    session_token: str | None
    address: str
