"""What a flow of the admin service works with."""

from dataclasses import dataclass

from services.admin.authorize_api import AuthorizeApi
from services.admin.jwks_api import JwksApi
from shared.clock import Clock, Entropy
from shared.db import Database
from shared.events.outbox import Relay
from shared.known_devices import KnownDevices
from shared.limits import Limiter
from shared.mail.links import Links
from shared.mail.smtp import Mailer
from shared.passwords import Passwords
from shared.secret import Secret
from shared.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`mailer` is None where no mail server is set; `public_url` is what every link begins with."""

    database: Database
    relay: Relay
    limiter: Limiter
    devices: KnownDevices
    passwords: Passwords
    authorize: AuthorizeApi
    jwks: JwksApi
    mailer: Mailer | None
    links: Links
    texts: Texts
    setup_token: Secret
    public_url: str
    clock: Clock
    entropy: Entropy
    key_wait_s: float
