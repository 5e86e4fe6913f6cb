"""When a key does what: how long it signs, is published before, and is published after."""

from datetime import datetime, timedelta
from typing import Final, Self

import msgspec

SKEW_S: Final = 60
"""How far the clocks of two machines of ours may differ."""
VERIFIERS_LEEWAY_S: Final = 300
"""What verifiers commonly grant a token beyond its `exp` (RFC 7519 §4.1.4)."""
LONGEST_CACHE_TTL_S: Final = 300
"""The most that MTAS_CACHE_TTL_S may be: a token service that hears no events signs with a
replaced key for as long."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """All in seconds.

    - A copy of the JWKS that lacks the next key must be gone before that key signs: the copy in a
      jwks process (`stale_s` longer while it cannot reach the database), then the one that a
      verifier keeps.
    - `overlap_s` is what a replaced key stays published beyond its tokens' longest life.
    - `wait_s` is how much longer than the lead a key may wait until verifiers have fetched it.
    """

    rotation_s: int
    lead_s: int
    stale_s: float
    overlap_s: int
    wait_s: int = 0

    @classmethod
    def of(
        cls, *, rotation_s: int, lead_s: int, jwks_max_age_s: int, cache_ttl_s: float, wait_s: int = 0
    ) -> Self:
        """Raises: ValueError when a key would sign before every verifier can know it."""
        stale_s = lead_s - jwks_max_age_s - cache_ttl_s - SKEW_S
        if stale_s < 0:
            raise ValueError(
                "MTAS_KEY_LEAD_S must exceed MTAS_JWKS_MAX_AGE_S by six minutes: a minute of skew, and the"
                " five that a JWKS may be kept in memory"
            )
        if rotation_s <= lead_s:
            raise ValueError("MTAS_KEY_ROTATION_S must be longer than MTAS_KEY_LEAD_S")
        overlap_s = LONGEST_CACHE_TTL_S + VERIFIERS_LEEWAY_S + SKEW_S + jwks_max_age_s
        return cls(rotation_s=rotation_s, lead_s=lead_s, stale_s=stale_s, overlap_s=overlap_s, wait_s=wait_s)

    def aged(self, now: datetime) -> datetime:
        """Keys that began to sign by then need a successor."""
        return now - timedelta(seconds=self.rotation_s - self.lead_s)

    def signs_at(self, now: datetime) -> datetime:
        """When a key that is published now may sign."""
        return now + timedelta(seconds=self.lead_s)

    def signs_by(self, now: datetime) -> datetime:
        """When a key that is published now signs, though a verifier has not fetched it."""
        return now + timedelta(seconds=self.lead_s + self.wait_s)
