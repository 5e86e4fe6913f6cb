"""Run a service: settings, logs, one process, draining on SIGTERM.

One process is one instance; more capacity is more instances behind the gateway.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
import uvicorn
from litestar.types import ASGIApp

from shared import log, tracing
from shared.http.leaving import leave
from shared.http.one_write import OneWriteProtocol
from shared.settings import CommonSettings, SettingsError, load
from shared.version import this_build

S = TypeVar("S", bound=CommonSettings)
logger = structlog.get_logger()


def run(name: str, settings_type: type[S], create_app: Callable[[S], ASGIApp]) -> None:
    """`python -m services.{name}`: read the settings, serve until SIGTERM or Ctrl-C, then drain."""
    _leave_no_core()
    try:
        settings = load(settings_type, os.environ)
        app = _create(name, settings, create_app)
    except (SettingsError, ValueError) as error:
        sys.exit(f"services.{name}: {error}")
    log.configure(name, settings.log_level)
    server = _Server(
        settings.leave_s,
        uvicorn.Config(
            app,
            host=settings.listen_host,
            port=settings.listen_port,
            loop="uvloop",
            http=OneWriteProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=75,  # longer than the gateway keeps an idle upstream connection
            timeout_graceful_shutdown=settings.drain_s,
        ),
    )
    # uvicorn raises the signal again once it has drained: by then it has done its work.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _already_drained)
    logger.info("starting", host=settings.listen_host, port=settings.listen_port, **this_build()._asdict())
    _collect_rarely()
    server.run()
    tracing.in_use.close()
    logger.info("stopped")


def _create(name: str, settings: S, create_app: Callable[[S], ASGIApp]) -> ASGIApp:
    if not settings.otlp_endpoint:
        return create_app(settings)
    # Imported here: who collects no traces has none of their libraries in memory.
    from shared.http.traced import TracedRequests
    from shared.tracing.otlp import start

    tracer = start(name, settings.otlp_endpoint)
    return TracedRequests(create_app(settings), tracer)


class _Server(uvicorn.Server):
    """Lets the gateway go elsewhere before it stops listening."""

    def __init__(self, leave_s: float, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leave_s = leave_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await leave(lambda: self.server_state.total_requests, self._leave_s)
        await super().shutdown(sockets)


def _leave_no_core() -> None:
    """What a crash would write to disk has every key and secret in it (core(5))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _collect_rarely() -> None:
    """Requests make no cycles worth looking for, and what the start has made stays for good."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _already_drained(_signal: int, _frame: object) -> None:
    return


@asynccontextmanager
async def background(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run jobs beside the requests; cancel them, and wait, at the end.

    A job that ends by an error is a defect: it is logged, and the process ends so that whoever
    supervises it starts it anew.
    """
    tasks = [asyncio.create_task(job) for job in jobs]
    for task in tasks:
        task.add_done_callback(_fail_loudly)
    try:
        yield
    finally:
        await _cancel(set(tasks))


async def _cancel(tasks: "set[asyncio.Task[None]]") -> None:
    """Until all have ended: a library may swallow a cancellation that races with its own timeout.

    (`asyncio.wait_for` before Python 3.12, and so nats-py while it tries to connect.)
    """
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=0.5)


def _fail_loudly(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("background job failed", exc_info=error)
        os._exit(70)
