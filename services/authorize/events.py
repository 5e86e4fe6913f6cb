"""Events in: changes to tenants, clients and keys make this service's caches forget.

Nothing is consumed durably: what a cache misses while NATS is away, its lifetime bounds.
"""

from services.authorize.flows.context import Context
from shared.events.bus import Bus
from shared.events.invalidation import forget_on_events


def listen(bus: Bus, context: Context) -> None:
    """Call before the bus runs."""
    forget_on_events(bus, context.directory, forget_keys=context.public_keys.forget)
