"""Authorize's internal API, for what only it may write: users."""

from typing import Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from services.admin.internal_api import InternalApi


class NewUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    email: str
    password: str
    name: str | None = None


class MadeUser(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    email: str


class AuthorizeApi:
    """Raises: Unavailable when authorize is away."""

    def __init__(self, api: InternalApi) -> None:
        self._api: Final = api

    async def create_user(self, tenant_id: UUID, user: NewUser) -> MadeUser:
        """Raises: InternalRefused (409 the email is taken, 422 a field is wrong), Unavailable."""
        answer = await self._api.post(f"/internal/tenants/{tenant_id}/users", msgspec.json.encode(user))
        return msgspec.json.decode(answer, type=MadeUser)

    async def set_user_disabled(self, tenant_id: UUID, user_id: UUID, disabled: bool) -> None:
        """Raises: InternalRefused (404), Unavailable."""
        verb = "disable" if disabled else "enable"
        await self._api.post(f"/internal/tenants/{tenant_id}/users/{quote(str(user_id))}/{verb}", b"")

    async def delete_user(self, tenant_id: UUID, user_id: UUID) -> None:
        """Raises: InternalRefused (404), Unavailable."""
        await self._api.post(f"/internal/tenants/{tenant_id}/users/{quote(str(user_id))}/delete", b"")

    async def close(self) -> None:
        await self._api.close()
