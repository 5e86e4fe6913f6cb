"""Composition root of the admin service: settings → stores → context → Litestar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ExceptionHandlersMap

from services.admin import events
from services.admin.authorize_api import AuthorizeApi
from services.admin.flows.context import Context
from services.admin.flows.upkeep import forget_old_entries
from services.admin.internal_api import InternalApi
from services.admin.jwks_api import JwksApi
from services.admin.routes.api import problems
from services.admin.routes.api.router import api_router, docs, openapi_json
from services.admin.routes.dashboard import errors
from services.admin.routes.dashboard.assets import asset
from services.admin.routes.dashboard.pages import template_config
from services.admin.routes.dashboard.router import dashboard_router, home
from services.admin.routes.dashboard.web import Web
from services.admin.settings import Settings
from shared import valkey
from shared.clock import Clock, Entropy, random_bytes, utc_now
from shared.db import Database
from shared.events.bus import Bus
from shared.events.outbox import Relay
from shared.http.browser import AnyRequest
from shared.http.context import RequestContext
from shared.http.health import health_routes
from shared.known_devices import KnownDevices
from shared.limits import Limiter
from shared.mail.links import Links
from shared.mail.smtp import Mailer
from shared.metrics import Metrics
from shared.passwords import Passwords
from shared.service import background
from shared.texts import Texts

MAX_BODY: Final = 64 * 1024
MAILS_AT_ONCE: Final = 4
"""Connections to the mail server."""


def create_app(settings: Settings, *, clock: Clock = utc_now, entropy: Entropy = random_bytes) -> ASGIApp:
    """The service as an ASGI application. Connects to nothing before its lifespan begins."""
    database = Database(
        settings.database_url,
        pool_size=settings.database_pool_size,
        former_password=settings.database_former_password,
    )
    store = valkey.open_valkey(settings.valkey_url)
    bus = Bus(settings.nats_url, "admin")
    context = Context(
        database=database,
        relay=Relay(database, bus, "admin"),
        limiter=Limiter(store, "admin", clock),
        devices=KnownDevices(settings.form_secret, b"mtas dashboard device v1"),
        passwords=Passwords(workers=settings.password_workers),
        authorize=AuthorizeApi(InternalApi("authorize", settings.authorize_url, settings.internal_token)),
        jwks=JwksApi(InternalApi("jwks", settings.jwks_url, settings.jwks_token or settings.internal_token)),
        mailer=Mailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None,
        links=Links(settings.form_secret),
        texts=Texts(Path(__file__).parent / "texts"),
        setup_token=settings.setup_token,
        public_url=settings.public_url.rstrip("/"),
        clock=clock,
        entropy=entropy,
        key_wait_s=settings.key_wait_s,
    )
    web = Web(public_url=settings.public_url, form_secret=settings.form_secret, entropy=entropy)

    metrics = Metrics("admin", database, bus, context.relay, context.passwords)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        jobs = [
            bus.run(),
            bus.consume(events.handler(context)),
            context.relay.run(),
            forget_old_entries(context, settings.audit_retention_days),
        ]
        if context.mailer is not None:
            mails = events.mail_handler(context)
            jobs.append(bus.consume(mails, at_once=MAILS_AT_ONCE, durable=events.MAIL_CONSUMER))
        async with background(*jobs):
            yield
        await context.authorize.close()
        await context.jwks.close()
        context.passwords.close()
        await store.aclose()
        await database.close()

    app = Litestar(
        [
            home,
            asset,
            dashboard_router(context, web),
            openapi_json,
            docs,
            api_router(context, settings.operator_token),
            *health_routes(
                {"postgres": database.is_ready, "valkey": lambda: valkey.is_ready(store)}, metrics
            ),
        ],
        dependencies={"context": Provide(lambda: context, sync_to_thread=False)},
        lifespan=[lifespan],
        exception_handlers=_outside_of_routers(),
        template_config=template_config(),
        request_max_body_size=MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )
    return RequestContext(app)


def _outside_of_routers() -> ExceptionHandlersMap:
    """For paths that no router has: a page, or below `/api` a problem."""

    def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
        if request.scope["path"].startswith("/api/"):
            return problems.http_error(request, error)
        return errors.http_error(request, error)

    return {**errors.exception_handlers(), HTTPException: http_error}
