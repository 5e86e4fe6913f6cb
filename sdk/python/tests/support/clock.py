"""Time that stands until a test moves it."""


class Clock:
    def __init__(self, now: float = 1_800_000_000) -> None:
        self.now = now
        self.ticked = 0.0

    def __call__(self) -> float:
        return self.now

    def ticks(self) -> float:
        """The monotonic one, which no correction of the clock moves."""
        return self.ticked

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.ticked += seconds
