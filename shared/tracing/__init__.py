"""Traces: nobody listens unless MTAS_OTLP_ENDPOINT says where they go (docs/adr/0025).

- here: what the wiring tells of, and `in_use`, who is told; at first that is `Nobody`
- `otlp`: who listens when it is on, and the only module that knows OpenTelemetry
- `shared.http.traced`: what tells of requests, when it is on

A position in a trace is passed on as its `traceparent` (W3C Trace Context §3.2), None where there is none.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Protocol


class Tracer(Protocol):
    """Never raises, never waits for the collector."""

    def traceparent(self) -> str | None:
        """Of what is under way here: for whom it leads to elsewhere."""

    def watch(self, connection: Any) -> None:
        """Hear of every statement of an asyncpg connection."""

    def step(self, system: str, name: str) -> AbstractContextManager[object]:
        """Around a call of a store, when it is part of something that is traced."""

    def publishing(self, event_type: str, cause: str | None) -> AbstractContextManager[str | None]:
        """Around a publishing; gives what to send with the event. `cause`: where it was written."""

    def consuming(self, event_type: str, cause: str | None) -> AbstractContextManager[object]:
        """Around a handler. `cause`: what came with the event."""

    def close(self) -> None:
        """Send what is left, for a bounded time."""


_NOTHING: Final = nullcontext()


class Nobody:
    """Does nothing, and costs nothing that a measurement sees."""

    def traceparent(self) -> str | None:
        return None

    def watch(self, connection: Any) -> None:
        pass

    def step(self, system: str, name: str) -> AbstractContextManager[object]:
        return _NOTHING

    def publishing(self, event_type: str, cause: str | None) -> AbstractContextManager[str | None]:
        return _NOTHING

    def consuming(self, event_type: str, cause: str | None) -> AbstractContextManager[object]:
        return _NOTHING

    def close(self) -> None:
        pass


in_use: Tracer = Nobody()
"""Set once, before anything connects."""
