"""The public URL as a user sees it: certificate, route table, headers, clock."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import httpx2

from deploy.doctor import clock
from deploy.doctor.finding import Finding, fail, ok, warn
from shared.clock import utc_now
from shared.settings import is_safe_origin

SOON_DAYS: Final = 14
PRIVATE: Final = ("/livez", "/readyz", "/metrics", "/internal/users")


async def check(public_url: str, ca: str | None = None) -> AsyncIterator[Finding]:
    if not is_safe_origin(public_url):
        fix = "MTAS_PUBLIC_URL: an https origin without a path, or http on localhost."
        yield fail("public URL", public_url, fix)
        return
    trust = ssl.create_default_context(cafile=ca)
    if public_url.startswith("https:"):
        yield await _certificate(public_url, trust)
    async with httpx2.AsyncClient(base_url=public_url, verify=trust, timeout=10) as client:
        try:
            answer = await client.get("/dashboard/sign-in")
        except httpx2.HTTPError as error:
            fix = "Does the name lead here, and does the proxy in front pass on to the gateway?"
            yield fail("public URL", str(error) or type(error).__name__, fix)
            return
        yield _answer(answer)
        if date := answer.headers.get("date"):
            yield clock.compare("the gateway", parsedate_to_datetime(date), utc_now(), exact_to_s=1.0)
        yield await _private(client)


async def _certificate(public_url: str, trust: ssl.SSLContext) -> Finding:
    url = urlsplit(public_url)
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(url.hostname, url.port or 443, ssl=trust), timeout=10
        )
    except ssl.SSLCertVerificationError as error:
        fix = "Serve a certificate for the public name with its whole chain; MTAS_API_CA names a private CA."
        return fail("certificate", error.verify_message, fix)
    except (OSError, TimeoutError) as error:
        fix = "Does the name lead here, and is its port open?"
        return fail("certificate", str(error) or type(error).__name__, fix)
    until = datetime.fromtimestamp(
        ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"]), UTC
    )
    writer.close()
    days = (until - utc_now()).days
    if days < SOON_DAYS:
        return warn("certificate", f"ends in {days} days", "Renew it: does what renews it still run?")
    return ok("certificate", f"valid for {days} days")


def _answer(answer: httpx2.Response) -> Finding:
    if answer.status_code >= 500:
        fix = "Run the doctor where the services run: one of them, or a store, is away."
        return fail("public URL", f"answers {answer.status_code}", fix)
    if "x-request-id" not in answer.headers:
        fix = "Let the name lead to the gateway, and not to a service or something else."
        return fail("public URL", "answers, but not by our gateway", fix)
    if answer.headers.get("server"):
        return ok("public URL", f"answers, through {answer.headers['server'][:40]}")
    return ok("public URL", "answers")


async def _private(client: httpx2.AsyncClient) -> Finding:
    shown = [path for path in PRIVATE if (await client.get(path)).status_code != 404]
    if shown:
        fix = "Route everything to the gateway: it alone knows which paths are public."
        return fail("private paths", f"{', '.join(shown)} can be reached from outside", fix)
    return ok("private paths", "cannot be reached from outside")
