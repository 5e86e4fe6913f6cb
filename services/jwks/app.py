"""Composition root of the jwks service: settings → stores → context → Litestar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp

from services.jwks import events
from services.jwks.flows.context import Context
from services.jwks.flows.fetches import Fetches
from services.jwks.flows.publication import PublishedKeys
from services.jwks.flows.rotation import keep_turning
from services.jwks.flows.schedule import Schedule
from services.jwks.routes.internal import internal_router
from services.jwks.routes.public import ROUTES, resolve_tenant
from services.jwks.settings import Settings
from shared.clock import Clock, Entropy, random_bytes, utc_now
from shared.db import Database
from shared.directory import Directory
from shared.events.bus import Bus
from shared.events.invalidation import HEARD_TTL_S, forget_on_events, ttl_while_heard
from shared.events.outbox import Relay
from shared.http.context import RequestContext
from shared.http.cors import add_cors_headers
from shared.http.errors import json_exception_handlers
from shared.http.health import health_routes
from shared.metrics import Metrics
from shared.sealing import choose_sealer
from shared.service import background

STALE_DIRECTORY_S: Final = 24 * 3600.0
"""Discovery and JWKS are served while the database is away."""


def create_app(settings: Settings, *, clock: Clock = utc_now, entropy: Entropy = random_bytes) -> ASGIApp:
    """The service as an ASGI application. Connects to nothing before its lifespan begins."""
    database = Database(
        settings.database_url,
        pool_size=settings.database_pool_size,
        former_password=settings.database_former_password,
    )
    bus = Bus(settings.nats_url, "jwks")
    schedule = Schedule.of(
        rotation_s=settings.key_rotation_s,
        lead_s=settings.key_lead_s,
        jwks_max_age_s=settings.jwks_max_age_s,
        cache_ttl_s=max(settings.cache_ttl_s, HEARD_TTL_S),
        wait_s=settings.key_observed_wait_s,
    )
    ttl_s = ttl_while_heard(bus, settings.cache_ttl_s)
    context = Context(
        database=database,
        directory=Directory(database, ttl_s=ttl_s, stale_on_error_s=STALE_DIRECTORY_S),
        published=PublishedKeys(database, ttl_s=ttl_s, stale_s=schedule.stale_s),
        fetches=Fetches(database),
        sealer=choose_sealer(settings, entropy),
        schedule=schedule,
        relay=Relay(database, bus, "jwks"),
        clock=clock,
        jwks_max_age_s=settings.jwks_max_age_s,
    )
    forget_on_events(bus, context.directory, forget_keys=context.published.forget)

    metrics = Metrics("jwks", database, bus, context.relay)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with background(
            bus.run(),
            bus.consume(events.handler(context)),
            context.relay.run(),
            keep_turning(context),
            context.fetches.run(),
        ):
            yield
        await context.sealer.close()
        await database.close()

    app = Litestar(
        [
            *ROUTES,
            internal_router(settings.jwks_token or settings.internal_token),
            *health_routes({"postgres": database.is_ready}, metrics),
        ],
        dependencies={
            "context": Provide(lambda: context, sync_to_thread=False),
            "tenant": Provide(resolve_tenant),
        },
        lifespan=[lifespan],
        exception_handlers=json_exception_handlers(),
        before_send=[add_cors_headers],
        openapi_config=None,
        logging_config=None,
    )
    return RequestContext(app)
