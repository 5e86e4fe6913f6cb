"""What the internal APIs of authorize and jwks have in common. The gateway routes none of them."""

from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msgspec
import structlog

from shared import tracing
from shared.hosts import each_host
from shared.secret import Secret
from shared.unavailable import Unavailable

log = structlog.get_logger()

_TIMEOUT: Final = httpx2.Timeout(10.0, connect=2.0)  # a machine that is gone says nothing, not even "no"
_NOT_REACHED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What a service refuses with (RFC 9457), as much of it as is passed on; errors by field."""

    status: int = 0
    detail: str = ""
    errors: dict[str, str] = {}


class InternalRefused(Exception):
    """The service said no, in its own words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem: Final = problem


class InternalApi:
    """A client of one service's `/internal`, at any of its hosts: `http://a:8101,b:8101`. Raises: Unavailable
    when it is away.

    What could not be sent goes to the next host, and what only reads, too; anything else might be done twice.
    The host that answered is asked first the next time, and one that failed last.
    """

    def __init__(
        self, service: str, url: str, token: Secret, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._service: Final = service
        self._hosts: Final = [host.geturl().rstrip("/") for host in each_host(url)]
        self._client: Final = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token.reveal()}"},
            timeout=_TIMEOUT,
            trust_env=False,  # an internal call takes no proxy
            transport=transport,
        )

    async def get(self, path: str) -> bytes:
        """Raises: InternalRefused (404), Unavailable."""
        return await self._send("GET", path)

    async def post(self, path: str, body: bytes) -> bytes:
        """Raises: InternalRefused (404, 409, 422), Unavailable."""
        return await self._send("POST", path, content=body, headers={"Content-Type": "application/json"})

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any
    ) -> bytes:
        cause = tracing.in_use.traceparent()
        headers = {**(headers or {}), **({} if cause is None else {"traceparent": cause})}
        answer = await self._answer(method, path, headers=headers, **options)
        if answer.is_success:
            return answer.content
        if answer.status_code in (404, 409, 422):
            raise InternalRefused(_problem(answer))
        log.warning("an internal API failed", service=self._service, status=answer.status_code)
        raise Unavailable(f"{self._service} did not do it")

    async def _answer(self, method: str, path: str, **options: Any) -> httpx2.Response:
        reason = ""
        for host in tuple(self._hosts):
            try:
                return await self._client.request(method, host + path, **options)
            except httpx2.HTTPError as error:
                reason = type(error).__name__
                if host in self._hosts[:-1]:
                    self._hosts.remove(host)
                    self._hosts.append(host)
                if method != "GET" and not isinstance(error, _NOT_REACHED):
                    break
        raise Unavailable(f"{self._service}: {reason}")

    async def close(self) -> None:
        await self._client.aclose()


def _problem(answer: httpx2.Response) -> Problem:
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.MsgspecError:
        problem = Problem()
    return msgspec.structs.replace(problem, status=answer.status_code)
