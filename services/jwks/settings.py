"""Settings of the jwks service."""

from typing import Annotated

from shared.secret import Secret
from shared.settings import CommonSettings, Doc


class Settings(CommonSettings, frozen=True, kw_only=True):
    listen_port: Annotated[int, Doc(description="Port of the jwks service.", ge=1, le=65535)] = 8103
    key_encryption_keys: Annotated[
        Secret,
        Doc(description="`id:base64` of 32 bytes, comma-separated; the first seals signing keys, all open."),
    ]
    jwks_max_age_s: Annotated[
        int, Doc(description="How long verifiers and caches may keep a JWKS.", ge=0, le=86400)
    ] = 300
