"""Settings of the token service."""

from typing import Annotated

from shared.sealing import SealingSettings
from shared.secret import Secret
from shared.settings import Doc


class Settings(SealingSettings, frozen=True, kw_only=True):
    listen_port: Annotated[int, Doc(description="Port of the token service.", ge=1, le=65535)] = 8102
    valkey_url: Annotated[Secret, Doc(description="Valkey, as this service's own user; or its sentinels.")]
    refresh_token_keys: Annotated[
        Secret,
        Doc(
            description=(
                "`0..255:base64` of 32 bytes, comma-separated; the first signs refresh tokens, all verify. "
                "Remove a key only after the longest refresh lifetime."
            )
        ),
    ]
    key_cache_size: Annotated[
        int,
        Doc(
            description="Most private keys that a process has open, 10 KiB each; opening costs a signature.",
            ge=1,
        ),
    ] = 2304
