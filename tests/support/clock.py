"""A clock that tests turn."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Begins at the present, so that what the database compares with its own now() still fits."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
