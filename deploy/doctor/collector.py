"""The collector of traces, as a service sends to it: does it take them?"""

from collections.abc import AsyncIterator
from typing import Final

import httpx2

from deploy.doctor.finding import Finding, ok, warn

NO_SPANS: Final = b'{"resourceSpans": []}'
_TIMEOUT_S: Final = 5.0


async def check(endpoint: str) -> AsyncIterator[Finding]:
    """A warning at most, for requests go on without it."""
    fix = "Is an OTLP receiver for HTTP running at MTAS_OTLP_ENDPOINT, and may this process reach it?"
    try:
        async with httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            url, headers = f"{endpoint.rstrip('/')}/v1/traces", {"Content-Type": "application/json"}
            answer = await client.post(url, content=NO_SPANS, headers=headers)
    except httpx2.HTTPError as error:
        yield warn("traces", type(error).__name__, fix)
        return
    if answer.is_success:
        yield ok("traces", "the collector takes them")
    else:
        yield warn("traces", f"the collector answers {answer.status_code} to OTLP in JSON", fix)
