"""Read one tenant into an archive: a snapshot, so that what it says of users and families fits together."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

from deploy.move.archive import Writer
from deploy.move.connection import SQL, Connection, choose_tenant
from deploy.move.errors import MoveError
from deploy.move.keys import MOVED_IN_KEYS, Keys
from deploy.move.tables import list_tables

Progress = Callable[[str, int], None]


async def export(
    connection: Connection,
    schema: int,
    slug: str,
    keys: Keys,
    archive: Writer,
    now: datetime,
    progress: Progress = lambda _table, _rows: None,
) -> dict[str, object]:
    """Returns what moved, and whether the tenant still answers here. Raises: MoveError."""
    tenant = await connection.fetchrow(SQL["get_tenant"], slug)
    if tenant is None:
        raise MoveError(f"There is no app {slug!r} here")
    tenant_id: UUID = tenant["tenant_id"]
    # First what shall be known of it: that everything about everybody was copied.
    async with connection.transaction():
        await choose_tenant(connection, tenant_id)
        await connection.execute(SQL["insert_entry"], tenant_id, now, "tenant.exported", "{}")
    rows: Counter[str] = Counter()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await choose_tenant(connection, tenant_id)
        archive.write(
            {
                "tenant": slug,
                "tenant_id": str(tenant_id),
                "issuer": tenant["issuer"],
                "schema": schema,
                "exported_at": now.isoformat(),
            }
        )
        for table in await list_tables(connection):
            async for row in table.rows(connection, tenant_id):
                opened = await keys.open(table.name, row, tenant_id)
                if opened is None:
                    continue
                archive.write({"table": table.name, "row": opened})
                rows[table.name] += 1
                progress(table.name, rows[table.name])
        expires_at = await connection.fetchval(SQL["get_last_expiry"], tenant_id)
        for key in keys.of_tenant(tenant_id) if expires_at is not None else ():
            row = key | {
                "tenant_id": str(tenant_id),
                "moved_in_id": str(uuid4()),
                "expires_at": expires_at.isoformat(),
            }
            archive.write({"table": MOVED_IN_KEYS, "row": row})
            rows[MOVED_IN_KEYS] += 1
    archive.write({"end": dict(rows)})
    archive.close()
    return {
        "app_id": slug,
        "tenant_id": str(tenant_id),
        "issuer": tenant["issuer"],
        "disabled": tenant["disabled_at"] is not None,
        "rows": dict(rows),
    }
