"""Liveness, readiness, metrics. `/livez` does no I/O; `/readyz` says which part is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from shared.http.leaving import is_leaving
from shared.metrics import CONTENT_TYPE, Metrics

Check = Callable[[], Awaitable[bool]]


def health_routes(checks: Mapping[str, Check], metrics: Metrics) -> list[HTTPRouteHandler]:
    """Routes on the service's own port; the gateway routes none of them outside.

    `checks` name what a request cannot do without. NATS is not among them: without it events
    wait, requests go on.
    """

    @get("/livez", sync_to_thread=False)
    def livez() -> dict[str, str]:
        return {"status": "alive"}

    @get("/readyz")
    async def readyz() -> Response[bytes]:
        results = dict(
            zip(checks, await asyncio.gather(*(_within(check) for check in checks.values())), strict=True)
        )
        ready = all(results.values()) and not is_leaving()
        return Response(
            content=msgspec.json.encode({"ready": ready, "checks": results}),
            status_code=200 if ready else 503,
            media_type="application/json",
        )

    @get("/metrics", sync_to_thread=False)
    def show_metrics() -> Response[bytes]:
        return Response(content=metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return [livez, readyz, show_metrics]


async def _within(check: Check) -> bool:
    try:
        async with asyncio.timeout(2):
            return await check()
    except TimeoutError:
        return False
