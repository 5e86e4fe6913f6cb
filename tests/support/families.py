"""What must be true of a family of refresh tokens, by docs/rotation.md: to hold the SQL against."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self

from services.token import store


class Row(NamedTuple):
    """What the database must hold of a family."""

    generation: int
    rotated_at: datetime
    idle_expires_at: datetime
    revoked_reason: str | None = None

    @property
    def that_counts(self) -> object:
        """Of a revoked family nothing does but why."""
        return self.revoked_reason or self


class Family:
    """`newest_issued`: the generation of a token that somebody may hold, whatever the database has lost."""

    def __init__(self, code: store.ToRedeem, now: datetime, *, grace_s: int, idle_ttl_s: int) -> None:
        self.code = code
        self.family_id = code.family.family_id
        self.client_id = code.family.client_id
        self.grace = timedelta(seconds=grace_s)
        self.idle_ttl = timedelta(seconds=idle_ttl_s)
        self.row = Row(0, now, code.family.idle_expires_at)
        self.newest_issued = 0
        self._tail: list[Row] = []

    def what_gets(self, generation: int, now: datetime, *, user_is_gone: bool) -> str:
        """The outcome for a token of this generation."""
        row = self.row
        if row.revoked_reason is not None:
            return "revoked"
        if now >= min(row.idle_expires_at, self.code.family.absolute_expires_at):
            return "expired"
        if generation < row.generation - 1:
            return "replayed"
        if generation == row.generation - 1 and now >= row.rotated_at + self.grace:
            return "replayed"
        if user_is_gone:
            return "user_disabled_or_signed_out"
        return "rotated" if generation >= row.generation else "retried"

    def step(self, outcome: str, generation: int, now: datetime) -> None:
        """What the outcome does."""
        if outcome == "rotated":
            self._tail.append(self.row)
            idle_until = min(now + self.idle_ttl, self.code.family.absolute_expires_at)
            self.row = Row(generation + 1, now, idle_until)
            self.newest_issued = max(self.newest_issued, generation + 1)
        elif outcome == "replayed":
            self.revoke("refresh_token_reused")
        elif outcome == "user_disabled_or_signed_out":
            self.revoke(outcome)

    def revoke(self, reason: str) -> None:
        """Of no effect where it was revoked already. Commits synchronously: no failover takes it back."""
        self.row = self.row._replace(revoked_reason=self.row.revoked_reason or reason)
        self._tail = []

    def lose_tail(self, rotations: int) -> bool:
        """Rotations commit asynchronously, so these may be lost. False: there were not as many."""
        if len(self._tail) < rotations:
            return False
        self.row = self._tail[-rotations]
        del self._tail[-rotations:]
        return True


class Presented(NamedTuple):
    """A token that was issued, and perhaps not to who presents it: another client, or another tenant's."""

    family: Family
    generation: int
    thief: str | None

    @classmethod
    def of_age(cls, family: Family, age: int, thief: str | None) -> Self:
        """0 is the newest that was ever issued."""
        return cls(family, max(0, family.newest_issued - age), thief)
