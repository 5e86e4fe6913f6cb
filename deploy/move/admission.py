"""Let a tenant in from an archive: all of it in one transaction, or nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from deploy.move.connection import SQL, Connection, choose_tenant
from deploy.move.errors import MoveError
from deploy.move.export import Progress
from deploy.move.keys import Keys
from deploy.move.tables import Row, Table, list_tables
from services.admin.flows.emails import email_key

BATCH: Final = 500
_TENANTS: Final = "admin.tenants"


async def admit(
    connection: Connection,
    schema: int,
    lines: Iterator[dict[str, Any]],
    keys: Keys,
    now: datetime,
    *,
    public_url: str,
    new_issuer: bool = False,
    enable: bool = False,
    owner: str | None = None,
    progress: Progress = lambda _table, _rows: None,
) -> dict[str, object]:
    """Returns what moved. Raises: MoveError, and then nothing was written."""
    about = next(lines, {})
    if "tenant" not in about:
        raise MoveError("The archive does not say whose it is")
    if about["schema"] != schema:
        raise MoveError(
            f"The archive is of a database with {about['schema']} migrations, this one has {schema}: "
            "bring both installations to one version first"
        )
    tenant_id, slug = UUID(about["tenant_id"]), about["tenant"]
    issuer = f"{public_url}/t/{slug}"
    if not new_issuer:
        _require_issuer(about["issuer"], issuer, slug)
    changes = {"slug": slug, "issuer": issuer} | ({"disabled_at": None} if enable else {})
    try:
        async with connection.transaction():
            await choose_tenant(connection, tenant_id)
            rows = await _insert(connection, lines, keys, tenant_id, changes, progress)
            if owner is not None:
                developer_id = await connection.fetchval(SQL["get_developer"], email_key(owner))
                if developer_id is None:
                    raise MoveError(f"Nobody with the address {owner} has a dashboard account here")
                await connection.execute(SQL["insert_owner"], tenant_id, developer_id, now)
            came = json.dumps({"from_issuer": about["issuer"]})
            await connection.execute(SQL["insert_entry"], tenant_id, now, "tenant.imported", came)
    except asyncpg.UniqueViolationError as error:
        raise MoveError(f"{slug!r}, or something of it, is here already: {error.constraint_name}") from None
    return {"app_id": slug, "tenant_id": str(tenant_id), "issuer": issuer, "rows": dict(rows)}


def _require_issuer(issuer: str, here: str, slug: str) -> None:
    """An app of this installation has the issuer that its address here gives it: with any other one, tokens
    would be signed here in the name of another app, or of somebody else's domain. Raises: MoveError."""
    if issuer == here:
        return
    new = "take --new-issuer, and tell every backend of the app the new one"
    domain = issuer.removesuffix(f"/t/{slug}")
    if domain == issuer:
        raise MoveError(f"The archive gives {slug!r} the issuer {issuer}, here it has {here}: {new}")
    raise MoveError(
        f"The archive's issuer is {issuer}, here it would be {here}. Move the domain along and set "
        f"MTAS_PUBLIC_URL to {domain}; or {new}"
    )


async def _insert(
    connection: Connection,
    lines: Iterator[dict[str, Any]],
    keys: Keys,
    tenant_id: UUID,
    changes: Row,
    progress: Progress,
) -> Counter[str]:
    """Row after row, some hundred at once. What the archive says at its end must be what came."""
    tables = {table.name: table for table in await list_tables(connection)}
    counted: Counter[str] = Counter()
    end: dict[str, int] | None = None
    table: Table | None = None
    waiting: list[Row] = []
    for line in lines:
        if end is not None:
            raise MoveError("The archive goes on after its end")
        if "end" in line:
            end = line["end"]
            continue
        name = line["table"]
        if name not in tables:
            raise MoveError(f"The archive has a table {name} that this installation does not know")
        if table is not None and (table.name != name or len(waiting) == BATCH):
            await table.insert(connection, waiting)
            progress(table.name, counted[table.name])
            waiting = []
        table = tables[name]
        if line["row"]["tenant_id"] != str(tenant_id):
            raise MoveError("The archive holds rows of another app")
        row = await keys.seal(name, line["row"], tenant_id)
        waiting.append(row | changes if name == _TENANTS else row)
        counted[name] += 1
    if table is not None:
        await table.insert(connection, waiting)
        progress(table.name, counted[table.name])
    if end != counted:
        raise MoveError("The archive does not hold what it says it holds")
    return counted
