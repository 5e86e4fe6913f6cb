"""Rows for tests of one service, as the service that owns them would have written them."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import asyncpg

from shared.clock import random_bytes
from shared.oauth import client_secret
from shared.oauth.scope import USER_SCOPE
from shared.oauth.types import ClientType

T = TypeVar("T")
_IS_WAITED_FOR: Final = (
    "select exists (select from pg_locks l where not l.granted and $1 = any(pg_blocking_pids(l.pid)))"
)


def some_slug(prefix: str = "acme") -> str:
    """A slug that no other test uses: tests share one database."""
    return f"{prefix}-{os.urandom(5).hex()}"


class Seed:
    """Writes past row-level security, as the superuser.

    Each statement has a connection of its own; within `async with` they are kept for the next ones, for
    connecting takes longer than most statements.
    """

    def __init__(self, superuser_url: str) -> None:
        self._url = superuser_url
        self._keeps = False
        self._idle: list[asyncpg.Connection[asyncpg.Record]] = []

    async def __aenter__(self) -> Self:
        self._keeps = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeps = False
        for connection in self._idle:
            await connection.close()

    async def execute(self, statement: str, *values: object) -> None:
        async with self._connection() as connection:
            await connection.execute(statement, *values)

    async def fetch(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with self._connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        self._idle = [connection for connection in self._idle if not connection.is_closed()]
        connection = self._idle.pop() if self._idle else await asyncpg.connect(self._url)
        try:
            yield connection
        except BaseException:
            await connection.close()
            raise
        if self._keeps:
            self._idle.append(connection)
        else:
            await connection.close()

    async def while_under_way(self, statement: str, *values: object, do: Coroutine[Any, Any, T]) -> T:
        """`do`, while a transaction has made this change and not committed it: that follows once `do`
        waits for it, or has done without."""
        changing, watching = await asyncpg.connect(self._url), await asyncpg.connect(self._url)
        try:
            async with changing.transaction():
                await changing.execute(statement, *values)
                task, pid = asyncio.ensure_future(do), changing.get_server_pid()
                while not task.done() and not await watching.fetchval(_IS_WAITED_FOR, pid):
                    pass
            return await task
        finally:
            await changing.close()
            await watching.close()

    async def tenant(self, slug: str, **settings: object) -> UUID:
        columns = {
            "slug": slug,
            "name": slug.title(),
            "issuer": f"http://localhost/t/{slug}",
            "created_at": _now(),
            "updated_at": _now(),
        } | settings
        return UUID(str(await self._insert("admin.tenants", columns, "tenant_id")))

    async def client(
        self, tenant_id: UUID, client_id: str, client_type: ClientType = ClientType.WEB, **settings: object
    ) -> str | None:
        """Returns the secret of a confidential client."""
        columns = {
            "tenant_id": tenant_id,
            "client_id": client_id,
            "name": client_id,
            "client_type": client_type.value,
            "is_confidential": client_type.is_confidential,
            "redirect_uris": ["https://app.example/callback"],
            "grant_types": [grant.value for grant in client_type.grant_types],
            "allowed_scope": list(USER_SCOPE),
            "refresh_by_default": client_type in (ClientType.WEB, ClientType.NATIVE),
            "created_at": _now(),
            "updated_at": _now(),
        } | settings
        await self._insert("admin.clients", columns, "client_id")
        return await self.secret(tenant_id, client_id) if client_type.is_confidential else None

    async def secret(self, tenant_id: UUID, client_id: str, expires_at: datetime | None = None) -> str:
        secret = client_secret.generate(client_secret.CLIENT_SECRET_PREFIX, random_bytes).reveal()
        columns = {
            "tenant_id": tenant_id,
            "client_id": client_id,
            "secret_hash": client_secret.hash_secret(secret),
            "created_at": _now(),
            "expires_at": expires_at,
        }
        await self._insert("admin.client_secrets", columns, "secret_id")
        return secret

    async def user(self, tenant_id: UUID, email: str = "ada@example.com", **settings: object) -> UUID:
        columns = {
            "tenant_id": tenant_id,
            "email": email,
            "email_key": email.casefold(),
            "grants_valid_from": _now() - timedelta(days=1),
            "created_at": _now(),
            "updated_at": _now(),
        } | settings
        return UUID(str(await self._insert("authorize.users", columns, "user_id")))

    async def _insert(self, table: str, columns: dict[str, object], returning: str) -> object:
        names = ", ".join(columns)
        places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
        rows = await self.fetch(
            f"insert into {table} ({names}) values ({places}) returning {returning}", *columns.values()
        )
        return rows[0][returning]


def _now() -> datetime:
    return datetime.now(UTC)
