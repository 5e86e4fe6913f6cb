"""What happened at the auth server, from NATS JetStream: `pip install 'mtas[events]'`.

    subscriber = Subscriber("nats://…", name="billing")

    @subscriber.on(UserRegistered)
    async def open_account(event: Event[UserRegistered]) -> None: ...

    asyncio.run(subscriber.run())

Delivery is at least once: a handler is idempotent, with `event.id` to tell what it has done.
nats-py because it is NATS's own client; only this package imports it.
"""

from mtas.events.catalog import *  # noqa: F403 - all of the catalogue, and nothing else
from mtas.events.envelope import Event
from mtas.events.subscriber import RetryLater, Subscriber

__all__ = ["Event", "RetryLater", "Subscriber"]
