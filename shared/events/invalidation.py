"""Cache invalidation: the events that JetStream keeps are also heard plainly, by every instance."""

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from shared.directory import Directory
from shared.events.bus import Bus
from shared.events.envelope import PREFIX, CloudEvent

HEARD_TTL_S: Final = 300.0
"""How old a record may get while its events are heard; the TTL then only bounds what we did wrong."""

Forget: TypeAlias = Callable[[UUID | None], None]
"""Forget what is cached of one tenant, or (None) everything."""


def ttl_while_heard(bus: Bus, deaf_s: float) -> Callable[[], float]:
    """The TTL of records that `forget_on_events` forgets: `deaf_s` while NATS is away."""
    return lambda: HEARD_TTL_S if bus.is_connected else deaf_s


def forget_on_events(
    bus: Bus,
    directory: Directory,
    *,
    forget_clients: Forget | None = None,
    forget_keys: Forget | None = None,
) -> None:
    """Make `directory`, and a service's own caches, forget what an event says has changed.

    After a reconnection everything is forgotten: events may have been missed.
    """

    async def tenant_changed(event: CloudEvent) -> None:
        directory.forget_tenant(event.data["slug"])

    async def client_changed(event: CloudEvent) -> None:
        directory.forget_clients(event.tenantid)
        if forget_clients is not None:
            forget_clients(event.tenantid)

    async def key_changed(event: CloudEvent) -> None:
        if forget_keys is not None:
            forget_keys(event.tenantid)

    def forget_all() -> None:
        directory.clear()
        for forget in (forget_clients, forget_keys):
            if forget is not None:
                forget(None)

    bus.listen(f"{PREFIX}.*.tenant.*", tenant_changed)
    bus.listen(f"{PREFIX}.*.client.*", client_changed)
    bus.listen(f"{PREFIX}.*.signing_key.*", key_changed)
    bus.on_reconnect(forget_all)
