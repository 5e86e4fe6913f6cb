"""Authorize's internal API, for what only it may write: users.

Never through the gateway, which does not route `/internal`.
"""

from typing import Final
from urllib.parse import quote
from uuid import UUID

import httpx2
import msgspec
import structlog

from shared.http.errors import Unavailable
from shared.secret import Secret

log = structlog.get_logger()

_TIMEOUT_S: Final = 10.0


class NewUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    email: str
    password: str
    name: str | None = None


class MadeUser(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What authorize refuses with (RFC 9457), as much of it as is passed on; errors by field."""

    status: int = 0
    detail: str = ""
    errors: dict[str, str] = {}


class AuthorizeRefused(Exception):
    """Authorize said no, in its own words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem: Final = problem


class AuthorizeApi:
    """A client of the internal API. Raises: Unavailable when authorize is away."""

    def __init__(
        self, url: str, token: Secret, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._client: Final = httpx2.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token.reveal()}"},
            timeout=_TIMEOUT_S,
            trust_env=False,  # an internal call takes no proxy
            transport=transport,
        )

    async def create_user(self, tenant_id: UUID, user: NewUser) -> MadeUser:
        """Raises: AuthorizeRefused (409 the email is taken, 422 a field is wrong), Unavailable."""
        answer = await self._post(f"/internal/tenants/{tenant_id}/users", msgspec.json.encode(user))
        return msgspec.json.decode(answer, type=MadeUser)

    async def set_user_disabled(self, tenant_id: UUID, user_id: UUID, disabled: bool) -> None:
        """Raises: AuthorizeRefused (404), Unavailable."""
        verb = "disable" if disabled else "enable"
        await self._post(f"/internal/tenants/{tenant_id}/users/{quote(str(user_id))}/{verb}", b"")

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, path: str, body: bytes) -> bytes:
        try:
            answer = await self._client.post(path, content=body, headers={"Content-Type": "application/json"})
        except httpx2.HTTPError as error:
            raise Unavailable(f"authorize: {type(error).__name__}") from None
        if answer.is_success:
            return answer.content
        if answer.status_code in (404, 409, 422):
            raise AuthorizeRefused(_problem(answer))
        log.warning("authorize's internal API failed", status=answer.status_code)
        raise Unavailable("authorize did not do it")


def _problem(answer: httpx2.Response) -> Problem:
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.MsgspecError:
        problem = Problem()
    return msgspec.structs.replace(problem, status=answer.status_code)
