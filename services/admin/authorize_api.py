"""Authorize's internal API, for what only it may write: users."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from services.admin.internal_api import InternalApi


class NewUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    email: str
    password: str
    name: str | None = None
    actor: str | None = None


class UserSession(msgspec.Struct, frozen=True, kw_only=True):
    """A live session of a user, as they know it themselves."""

    session_id: UUID
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str


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

    async def set_user_disabled(self, tenant_id: UUID, user_id: UUID, disabled: bool, actor: str) -> None:
        """Raises: InternalRefused (404), Unavailable."""
        await self._do(tenant_id, user_id, "disable" if disabled else "enable", actor)

    async def sign_out_user(self, tenant_id: UUID, user_id: UUID, actor: str) -> None:
        """Raises: InternalRefused (404), Unavailable."""
        await self._do(tenant_id, user_id, "sign-out", actor)

    async def delete_user(self, tenant_id: UUID, user_id: UUID, actor: str) -> None:
        """Raises: InternalRefused (404), Unavailable."""
        await self._do(tenant_id, user_id, "delete", actor)

    async def end_session(self, tenant_id: UUID, user_id: UUID, session_id: UUID, actor: str) -> None:
        """Raises: InternalRefused (404), Unavailable."""
        await self._do(tenant_id, user_id, f"sessions/{session_id}/end", actor)

    async def list_sessions(self, tenant_id: UUID, user_id: UUID) -> list[UserSession]:
        """Raises: InternalRefused (404), Unavailable."""
        answer = await self._api.get(f"{_user(tenant_id, user_id)}/sessions")
        return msgspec.json.decode(answer, type=list[UserSession])

    async def export_user(self, tenant_id: UUID, user_id: UUID) -> dict[str, Any]:
        """Raises: InternalRefused (404), Unavailable."""
        return msgspec.json.decode(
            await self._api.get(f"{_user(tenant_id, user_id)}/export"), type=dict[str, Any]
        )

    async def _do(self, tenant_id: UUID, user_id: UUID, what: str, actor: str) -> None:
        body = msgspec.json.encode({"actor": actor})
        await self._api.post(f"{_user(tenant_id, user_id)}/{what}", body)

    async def close(self) -> None:
        await self._api.close()


def _user(tenant_id: UUID, user_id: UUID) -> str:
    return f"/internal/tenants/{tenant_id}/users/{user_id}"
