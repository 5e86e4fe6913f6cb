"""Every statement is prepared against the migrated schema, as the role that will run it."""

import re
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack

ROOT = Path(__file__).parents[2]
SERVICES = ("authorize", "token", "jwks", "admin")
NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)

# Of the directory, jwks reads only tenants and origins. Of observations, authorize notes no secret.
SHARED = {
    "shared/directory.sql": ("authorize", "token"),
    "shared/events/outbox.sql": SERVICES,
    "shared/observations.sql": ("token",),
}


def statements() -> list[object]:
    files: list[tuple[Path, tuple[str, ...]]] = [
        (path, (path.relative_to(ROOT).parts[1],)) for path in sorted(ROOT.glob("services/**/*.sql"))
    ]
    files += [(ROOT / name, roles) for name, roles in SHARED.items()]
    found: list[object] = []
    for path, roles in files:
        parts = NAME.split(path.read_text())
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            found += [pytest.param(role, body, id=f"{role}-{name}") for role in roles]
    return found


@pytest.mark.parametrize(("role", "statement"), statements())
async def test_it_prepares_as_its_service(stores: Stack, role: str, statement: str) -> None:
    connection = await asyncpg.connect(stores.postgres.service_url(role))
    try:
        await connection.prepare(statement)
    finally:
        await connection.close()


def test_no_statement_is_written_outside_a_sql_file() -> None:
    """SQL is visible: in queries.sql by name, or in the migrations."""
    sql = re.compile(r"\b(insert into|delete from|update \w+\.\w+ set|select [\w*., ]+ from) ")
    allowed = {"shared/db.py"}  # set_config and the readiness probe
    offenders = [
        str(path.relative_to(ROOT))
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        if sql.search(path.read_text()) and str(path.relative_to(ROOT)) not in allowed
    ]
    assert offenders == []
