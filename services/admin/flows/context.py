"""What a flow of the admin service works with."""

from dataclasses import dataclass

from services.admin.authorize_api import AuthorizeApi
from services.admin.jwks_api import JwksApi
from shared.clock import Clock, Entropy
from shared.db import Database
from shared.events.outbox import Relay
from shared.known_devices import KnownDevices
from shared.limits import Limiter
from shared.passwords import Passwords
from shared.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    database: Database
    relay: Relay
    limiter: Limiter
    devices: KnownDevices
    passwords: Passwords
    authorize: AuthorizeApi
    jwks: JwksApi
    setup_token: Secret
    public_url: str
    clock: Clock
    entropy: Entropy
    key_wait_s: float
