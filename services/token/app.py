"""Composition root of the token service: settings → stores → context → endpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp

from services.token import events
from services.token.codes import Codes
from services.token.decisions import Decisions
from services.token.flows.clients import Clients
from services.token.flows.context import Context
from services.token.flows.fairness import share_out
from services.token.flows.refresh_tokens import RefreshTokens
from services.token.flows.signing_keys import SigningKeys
from services.token.flows.upkeep import forget_expired_families
from services.token.routes import ROUTES, resolve_tenant
from services.token.settings import Settings
from services.token.token_endpoint import TokenEndpoint
from shared import valkey
from shared.clock import Clock, Entropy, random_bytes, utc_now
from shared.db import Database
from shared.directory import Directory
from shared.events.bus import Bus
from shared.events.envelope import PREFIX
from shared.events.invalidation import forget_on_events, ttl_while_heard
from shared.events.outbox import Relay
from shared.http.context import RequestContext
from shared.http.cors import add_cors_headers
from shared.http.errors import json_exception_handlers
from shared.http.health import health_routes
from shared.metrics import Metrics
from shared.oauth.refresh_token import RefreshTokenKeys
from shared.observations import Observations
from shared.sealing import choose_sealer
from shared.service import background

MAX_BODY: int = 64 * 1024


def create_app(settings: Settings, *, clock: Clock = utc_now, entropy: Entropy = random_bytes) -> ASGIApp:
    """The service as an ASGI application. Connects to nothing before its lifespan begins."""
    database = Database(
        settings.database_url,
        pool_size=settings.database_pool_size,
        former_password=settings.database_former_password,
    )
    store = valkey.open_valkey(settings.valkey_url)
    bus = Bus(settings.nats_url, "token")
    ttl_s = ttl_while_heard(bus, settings.cache_ttl_s)
    directory = Directory(database, ttl_s=ttl_s)
    sealer = choose_sealer(settings)
    context = Context(
        database=database,
        codes=Codes(store),
        decisions=Decisions(database, clock),
        directory=directory,
        clients=Clients(database, ttl_s=ttl_s),
        signing_keys=SigningKeys(
            database,
            sealer,
            ttl_s=ttl_s,
            parsed=settings.key_cache_size,
        ),
        refresh_tokens=RefreshTokens(
            database, RefreshTokenKeys.parse(settings.refresh_token_keys), clock, ttl_s=ttl_s
        ),
        relay=Relay(database, bus, "token"),
        observations=Observations(database),
        share=share_out(settings.database_pool_size),
        clock=clock,
        entropy=entropy,
    )
    forget_on_events(
        bus,
        directory,
        forget_clients=context.clients.forget,
        forget_keys=context.signing_keys.forget,
    )
    bus.listen(f"{PREFIX}.*.signing_key.*", events.key_listener(context))

    metrics = Metrics("token", database, bus, context.relay, context.share)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with background(
            bus.run(),
            bus.consume(events.handler(context)),
            context.relay.run(),
            context.observations.run(),
            forget_expired_families(context),
        ):
            yield
        await store.aclose()
        await sealer.close()
        await database.close()

    app = Litestar(
        [
            *ROUTES,
            *health_routes(
                {"postgres": database.is_ready, "valkey": lambda: valkey.is_ready(store)}, metrics
            ),
        ],
        dependencies={
            "context": Provide(lambda: context, sync_to_thread=False),
            "tenant": Provide(resolve_tenant),
        },
        lifespan=[lifespan],
        exception_handlers=json_exception_handlers(),
        before_send=[add_cors_headers],
        request_max_body_size=MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )
    return RequestContext(TokenEndpoint(app, context, max_body=MAX_BODY))
