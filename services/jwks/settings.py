"""Settings of the jwks service."""

from typing import Annotated

from shared.sealing import SealingSettings
from shared.secret import Secret
from shared.settings import Doc, at_least


class Settings(SealingSettings, frozen=True, kw_only=True):
    listen_port: Annotated[int, Doc(description="Port of the jwks service.", ge=1, le=65535)] = 8103
    internal_token: Annotated[
        Secret,
        Doc(
            description="Bearer token of `/internal`, which only the admin service calls.",
            extra=at_least(32),
        ),
    ]
    jwks_token: Annotated[
        Secret,
        Doc(
            description="In place of MTAS_INTERNAL_TOKEN, which authorize holds too: who has it changes "
            "signing keys.",
            extra=at_least(32, or_none=True),
        ),
    ] = Secret("")
    jwks_max_age_s: Annotated[
        int, Doc(description="How long verifiers and caches may keep a JWKS.", ge=0, le=86400)
    ] = 300
    key_rotation_s: Annotated[
        int, Doc(description="How long a signing key signs before the next takes over.", ge=3600)
    ] = 90 * 86400
    key_lead_s: Annotated[
        int, Doc(description="How long a signing key is published before it signs.", ge=60)
    ] = 86400
    key_observed_wait_s: Annotated[
        int,
        Doc(
            description="How much longer than the lead a key waits at most to be fetched by verifiers.",
            ge=0,
            le=30 * 86400,
        ),
    ] = 3 * 86400
