"""Sign out everybody: whatever was granted until now is void, and every session is over.

For after a restore: a revocation that is newer than the restored state is lost, and nobody can tell which.
"""

from datetime import datetime
from typing import Any

from deploy.move.connection import SQL, Connection, choose_tenant
from deploy.move.errors import MoveError


async def sign_out(connection: Connection, slug: str | None, now: datetime) -> list[dict[str, Any]]:
    """One app, or all of them; a transaction each. Doing it twice does no harm. Raises: MoveError."""
    tenants = await connection.fetch(SQL["list_tenants"], slug)
    if slug is not None and not tenants:
        raise MoveError(f"There is no app {slug!r} here")
    done = []
    for tenant in tenants:
        async with connection.transaction():
            await choose_tenant(connection, tenant["tenant_id"])
            users = await connection.execute(SQL["void_grants"], tenant["tenant_id"], now)
            sessions = await connection.execute(SQL["end_sessions"], tenant["tenant_id"], now)
            await connection.execute(SQL["insert_entry"], tenant["tenant_id"], now, "tenant.signed_out", "{}")
        done.append({"app_id": tenant["slug"], "users": _rows(users), "sessions": _rows(sessions)})
    return done


def _rows(tag: str) -> int:
    """`UPDATE 3` → 3."""
    return int(tag.rpartition(" ")[2])
