"""The streams, and the durable consumers of services and subscribers. Whatever differs is changed to this."""

import asyncio
import re
import time

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, StreamConfig
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from deploy.provision.errors import ProvisionError
from deploy.provision.settings import Settings
from shared.hosts import nats_options

_NO_SUITABLE_PEERS = 10005
OLDEST = (2, 10)  # older ones ignore a consumer's list of filters
DAY_S = 86_400.0
GIB = 1024**3

STREAMS = (
    StreamConfig(
        name="MTAS",
        description="Every event, for services and subscribers",
        subjects=["mtas.v1.>"],
        max_age=30 * DAY_S,
        max_bytes=4 * GIB,
        discard=DiscardPolicy.OLD,
        # An outbox row is published again when its confirmation was lost: dropped within this.
        duplicate_window=600.0,
        allow_direct=True,
    ),
    StreamConfig(
        name="MTAS_DEAD",
        description="Events that a service or a subscriber could not handle",
        subjects=["mtas.dead.>"],
        max_age=90 * DAY_S,
        max_bytes=1 * GIB,
        discard=DiscardPolicy.OLD,
        allow_direct=True,
    ),
)

CONSUMERS = {
    "authorize": ["mtas.v1.*.mail.requested"],
    "jwks": ["mtas.v1.*.tenant.*"],
    "token": ["mtas.v1.*.session.ended", "mtas.v1.*.user.*"],
    "admin": ["mtas.v1.>"],
    # Apart, so that no mail server holds up the audit log.
    "admin-mail": [
        "mtas.v1.*.member.mail_requested",
        "mtas.v1.*.member.password_link_requested",
        "mtas.v1.*.member.password_reset",
    ],
}


async def provision(settings: Settings) -> list[str]:
    """Make or change streams and consumers; returns their names, for the log."""
    deadline = time.monotonic() + settings.wait_s
    client = await connect(settings)
    try:
        while True:
            try:
                return await _ensure_all(client.jetstream(timeout=5), settings)
            except (NatsError, TimeoutError) as error:
                if not _may_pass(error) or time.monotonic() > deadline:
                    raise ProvisionError(f"NATS: {error or type(error).__name__}") from None
            await asyncio.sleep(0.5)
    finally:
        await client.close()


def _may_pass(error: Exception) -> bool:
    """A cluster that has just begun: no leader yet, or not all of its servers."""
    if isinstance(error, APIError):
        return isinstance(error, ServiceUnavailableError) or error.err_code == _NO_SUITABLE_PEERS
    return isinstance(error, TimeoutError)


async def _ensure_all(jetstream: JetStreamContext, settings: Settings) -> list[str]:
    for stream in STREAMS:
        await _ensure_stream(jetstream, stream.evolve(num_replicas=settings.nats_replicas))
    consumers = CONSUMERS | dict(settings.subscribers)
    for name, filters in consumers.items():
        await jetstream.add_consumer("MTAS", consumer(name, filters))
    return [*(str(stream.name) for stream in STREAMS), *consumers]


def consumer(name: str, filters: list[str]) -> ConsumerConfig:
    """A durable one, read by the NATS user of that name; `admin-mail` by admin."""
    one = filters[0] if len(filters) == 1 else None
    return ConsumerConfig(
        durable_name=name,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=30.0,
        # Without limit here: the reader itself counts, and moves what fails to the dead letters.
        max_deliver=-1,
        max_ack_pending=1000,
        filter_subject=one,
        filter_subjects=None if one else filters,
    )


async def _ensure_stream(jetstream: JetStreamContext, stream: StreamConfig) -> None:
    try:
        await jetstream.stream_info(str(stream.name))
    except NotFoundError:
        await jetstream.add_stream(stream)
    else:
        await jetstream.update_stream(stream)


async def connect(settings: Settings) -> Client:
    """As `ops`. Raises: ProvisionError."""
    deadline = time.monotonic() + settings.wait_s
    while True:
        client = Client()
        try:
            await client.connect(
                **nats_options(settings.nats_url),
                name="mtas-provision",
                allow_reconnect=False,
                connect_timeout=5,
                error_cb=_quiet,
            )
            break
        except (OSError, TimeoutError, NatsError) as error:
            reason = str(error) or type(error).__name__
            if "authorization" in reason.lower():
                raise ProvisionError("NATS refused the user or password in MTAS_NATS_URL") from None
            if time.monotonic() > deadline:
                raise ProvisionError(
                    f"NATS did not answer within {settings.wait_s:.0f} s: {reason}"
                ) from None
            await asyncio.sleep(0.25)
    version = str(client.connected_server_version)
    if _parse(version) < OLDEST:
        await client.close()
        raise ProvisionError(f"NATS {version} is too old: 2.10 or newer is needed")
    return client


def _parse(version: str) -> tuple[int, int]:
    numbers = re.findall(r"\d+", version)
    return int(numbers[0]), int(numbers[1])


async def _quiet(error: Exception) -> None:
    """Said once, by the caller, instead of as a trace at every attempt."""
