"""What a flow of the jwks service works with."""

from dataclasses import dataclass

from services.jwks.flows.fetches import Fetches
from services.jwks.flows.publication import PublishedKeys
from services.jwks.flows.schedule import Schedule
from shared.clock import Clock
from shared.db import Database
from shared.directory import Directory
from shared.events.outbox import Relay
from shared.keys import KeySealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    database: Database
    directory: Directory
    published: PublishedKeys
    fetches: Fetches
    sealer: KeySealer
    schedule: Schedule
    relay: Relay
    clock: Clock
    jwks_max_age_s: int
