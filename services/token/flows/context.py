"""What a flow of the token service works with."""

from dataclasses import dataclass

from services.token.codes import Codes
from services.token.decisions import Decisions
from services.token.flows.clients import Clients
from services.token.flows.refresh_tokens import RefreshTokens
from services.token.flows.signing_keys import SigningKeys
from shared.clock import Clock, Entropy
from shared.db import Database
from shared.directory import Directory
from shared.events.outbox import Relay
from shared.fair_share import FairShare
from shared.observations import Observations


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    database: Database
    codes: Codes
    decisions: Decisions
    directory: Directory
    clients: Clients
    signing_keys: SigningKeys
    refresh_tokens: RefreshTokens
    relay: Relay
    observations: Observations
    share: FairShare
    clock: Clock
    entropy: Entropy
