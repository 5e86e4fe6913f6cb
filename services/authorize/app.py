"""Composition root of the authorize service: settings → stores → context → Litestar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from services.authorize import events
from services.authorize.flows.context import Context
from services.authorize.flows.public_keys import PublicKeys
from services.authorize.flows.upkeep import forget_what_is_over
from services.authorize.routes import (
    account,
    account_security,
    authorize,
    branding,
    logout,
    mail_links,
    questions,
    sign_in,
)
from services.authorize.routes.assets import asset
from services.authorize.routes.errors import exception_handlers
from services.authorize.routes.here import here
from services.authorize.routes.internal import internal_router
from services.authorize.routes.views import Views
from services.authorize.routes.visitors import pages_for, read_visitor, resolve_tenant
from services.authorize.routes.web import Web
from services.authorize.settings import Settings
from shared import valkey
from shared.clock import Clock, Entropy, random_bytes, utc_now
from shared.db import Database
from shared.directory import Directory
from shared.events.bus import Bus
from shared.events.outbox import Relay
from shared.http.context import RequestContext
from shared.http.health import health_routes
from shared.known_devices import KnownDevices
from shared.limits import Limiter
from shared.mail.links import Links
from shared.mail.smtp import Mailer
from shared.metrics import Metrics
from shared.observations import Observations
from shared.passwords import Passwords
from shared.service import background
from shared.texts import Texts

MAX_BODY: Final = 64 * 1024
MAILS_AT_ONCE: Final = 8
"""Connections to the mail server."""
_ROUTES: Final = (
    authorize.authorize_get,
    authorize.authorize_post,
    sign_in.login_page,
    sign_in.login,
    sign_in.signup_page,
    sign_in.signup,
    mail_links.forgot_page,
    mail_links.forgot,
    mail_links.reset_page,
    mail_links.reset,
    mail_links.verify_page,
    mail_links.verify,
    mail_links.verify_again_page,
    mail_links.verify_again,
    questions.consent_page,
    questions.consent,
    questions.select_account_page,
    questions.select_account,
    account.account_page,
    account.profile_page,
    account.profile,
    account.sessions_page,
    account.end_sessions,
    account.apps_page,
    account.disconnect_app,
    account.data_page,
    account.export_data,
    account_security.email_page,
    account_security.email,
    account_security.new_email_page,
    account_security.new_email,
    account_security.password_page,
    account_security.password,
    account_security.delete_page,
    account_security.delete,
    logout.logout_get,
    logout.logout_post,
    logout.signed_out_page,
    logout.sign_out,
)


def create_app(settings: Settings, *, clock: Clock = utc_now, entropy: Entropy = random_bytes) -> ASGIApp:
    """The service as an ASGI application. Connects to nothing before its lifespan begins.

    Raises: ValueError for a setting that cannot be.
    """
    database = Database(
        settings.database_url,
        pool_size=settings.database_pool_size,
        former_password=settings.database_former_password,
    )
    store = valkey.open_valkey(settings.valkey_url)
    bus = Bus(settings.nats_url, "authorize")
    context = Context(
        public_url=settings.public_url,
        database=database,
        valkey=store,
        directory=Directory(database, ttl_s=settings.cache_ttl_s),
        public_keys=PublicKeys(database, ttl_s=settings.cache_ttl_s),
        passwords=Passwords(
            workers=settings.password_workers,
            waiting=settings.password_queue,
            waiting_each=settings.password_queue_per_tenant,
        ),
        limiter=Limiter(store, "authorize", clock),
        devices=KnownDevices(settings.form_secret, b"mtas device v1"),
        relay=Relay(database, bus, "authorize"),
        observations=Observations(database),
        links=Links(settings.form_secret),
        mailer=Mailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None,
        texts=Texts(Path(__file__).parent / "texts"),
        clock=clock,
        entropy=entropy,
    )
    web = Web(
        public_url=settings.public_url,
        form_secret=settings.form_secret,
        entropy=entropy,
        views=Views(context.texts),
    )
    events.listen(bus, context)

    metrics = Metrics("authorize", database, bus, context.relay, context.passwords)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        jobs = [bus.run(), context.relay.run(), context.observations.run(), forget_what_is_over(context)]
        if context.mailer is not None:
            jobs.append(bus.consume(events.handler(context), at_once=MAILS_AT_ONCE))
        async with background(*jobs):
            yield
        context.passwords.close()
        await store.aclose()
        await database.close()

    app = Litestar(
        [
            *_ROUTES,
            branding.logo,
            branding.accent,
            asset,
            internal_router(settings.internal_token),
            *health_routes(
                {"postgres": database.is_ready, "valkey": lambda: valkey.is_ready(store)}, metrics
            ),
        ],
        dependencies={
            "context": Provide(lambda: context, sync_to_thread=False),
            "web": Provide(lambda: web, sync_to_thread=False),
            "tenant": Provide(resolve_tenant),
            "visitor": Provide(read_visitor, sync_to_thread=False),
            "pages": Provide(pages_for, sync_to_thread=False),
            "here": Provide(here, sync_to_thread=False),
        },
        lifespan=[lifespan],
        exception_handlers=exception_handlers(),
        state=State({"views": web.views}),
        request_max_body_size=MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )
    return RequestContext(app)
