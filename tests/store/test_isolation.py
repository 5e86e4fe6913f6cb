"""Tenant isolation in the database itself: keys, forced row-level security, rights of each role."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.local.stack import Stack
from shared.oauth.types import ClientType
from tests.support.seed import Seed, some_slug

SERVICES = ("authorize", "token", "jwks", "admin")

# Tables with a tenant_id that no tenant owns, and why they carry no tenant policy.
EXEMPT = {
    "admin.tenants": "the registry that maps a slug to its tenant; read before a tenant is known",
    "events.outbox": "belongs to the service that wrote it; its policy is on the source",
}

# Tables that a developer owns: there is no tenant to keep apart.
OF_DEVELOPERS = (
    *("admin.developers", "admin.developer_sessions", "admin.password_links"),
    "admin.password_notices",
    *("admin.api_tokens", "admin.idempotency_keys"),
)

# Who may do what with each table: S select, s select on some columns, I insert, U update, D delete.
RIGHTS = {
    "admin.developers": {"admin": "SIU"},
    "admin.developer_sessions": {"admin": "SIUD"},
    "admin.password_links": {"admin": "SIUD"},
    "admin.password_notices": {"admin": "SIUD"},
    "admin.api_tokens": {"admin": "SIu"},
    "admin.idempotency_keys": {"admin": "SIuD"},
    "admin.tenants": {"admin": "SIU", "authorize": "S", "token": "S", "jwks": "S"},
    "admin.members": {"admin": "SIUD"},
    "admin.invitations": {"admin": "SIu"},
    "admin.clients": {"admin": "SIU", "authorize": "S", "token": "S", "jwks": "s"},
    "admin.client_secrets": {"admin": "SIUD", "token": "S"},
    "admin.audit_log": {"admin": "SI"},
    "admin.feeds": {"admin": "SIU"},
    "admin.observations": {"admin": "SD"},
    "admin.logos": {"admin": "SID", "authorize": "S"},
    "admin.activity": {"admin": "SIU"},
    "authorize.users": {"authorize": "SIUD", "admin": "s", "token": "s"},
    "authorize.credentials": {"authorize": "SIU"},
    "authorize.sessions": {"authorize": "SIU", "token": "s"},
    "authorize.mails": {"authorize": "SIU"},
    "authorize.consents": {"authorize": "SIUD"},
    "jwks.signing_keys": {"jwks": "SIUD", "token": "S", "admin": "s", "authorize": "s"},
    "jwks.key_fetches": {"jwks": "SD", "admin": "S"},
    "token.families": {"token": "SIU"},
    "token.moved_in_keys": {"token": "S"},
    "events.outbox": dict.fromkeys(SERVICES, "SiuD"),
}


# Tables of a tenant that do not move with it (`mtas tenant export`), and why.
STAYS = {
    "admin.members": "who has a role here need not have an account there; the import names an owner",
    "admin.api_tokens": "a developer's, not the tenant's",
    "admin.invitations": "to a role here",
    "admin.feeds": "places in this installation's feed",
    "admin.observations": "what was refused here",
    "authorize.mails": "their links are this installation's",
    "jwks.key_fetches": "who fetched which key from this installation",
    "events.outbox": "on its way to this installation's subscribers",
}

# A row in each table that the seed has no word for, so that there is something to be kept apart.
ROWS = {
    "admin.members": (
        "developer_id, role, created_at",
        "(select developer_id from admin.developers where email_key = 'member@example.com'), 'viewer', now()",
    ),
    "admin.invitations": (
        "token_hash, email, email_key, role, vouched, created_at, expires_at",
        "sha256('x'), 'x', gen_random_uuid()::text, 'viewer', false, now(), now()",
    ),
    "admin.audit_log": (
        "event_id, occurred_at, source, type, subject, data",
        "uuidv7(), now(), 's', 't', 'x', '{}'",
    ),
    "admin.feeds": ("last", "1"),
    "admin.logos": (
        "logo, media_type, content, width, height, created_at",
        "md5('x'), 'image/png', 'x', 1, 1, now()",
    ),
    "admin.observations": ("client_id, kind, times, last_at", "'c', 'wrong_secret', 1, now()"),
    "admin.activity": ("day, kind, times", "now(), 'failed', 1"),
    "authorize.mails": (
        "purpose, email, locale, created_at, expires_at",
        "'verify_email', 'a@example.com', 'en', now(), now()",
    ),
    "jwks.signing_keys": (
        "kid, alg, state, public_jwk, sealed_private_key, kek_id, created_at, activates_at",
        "gen_random_uuid()::text, 'RS256', 'active', '{}', 'x', 'k', now(), now()",
    ),
    "token.moved_in_keys": ("key_id, sealed_key, sealed_under, expires_at", "1, 'x', 1, now()"),
    "jwks.key_fetches": ("kid, client, first_at, last_at", "'k', 'c', now(), now()"),
    "token.families": (
        "family_id, client_id, user_id, session_id, scope, audience, auth_time, refreshable, offline,"
        " rotated_at, idle_expires_at, absolute_expires_at, created_at",
        "uuidv7(), 'c', uuidv7(), uuidv7(), '{}', 'a', now(), true, true, now(), now(), now(), now()",
    ),
}


async def tables(seed: Seed) -> list[dict[str, Any]]:
    return await seed.fetch(
        """
        select n.nspname || '.' || c.relname as name, c.oid, c.relrowsecurity, c.relforcerowsecurity,
               exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
                   as has_tenant,
               (select a.attname from pg_index i
                  join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
                 where i.indrelid = c.oid and i.indisprimary) as leads
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname in ('admin', 'authorize', 'token', 'jwks', 'events')
        """
    )


async def test_tenant_id_leads_every_tenant_owned_key_and_rls_is_forced(seed: Seed) -> None:
    for table in await tables(seed):
        if table["has_tenant"] and table["name"] not in EXEMPT:
            assert table["leads"] == "tenant_id", table["name"]
            assert table["relrowsecurity"], table["name"]
            assert table["relforcerowsecurity"], table["name"]


async def test_every_table_is_named_in_the_rights(seed: Seed) -> None:
    assert {table["name"] for table in await tables(seed)} == RIGHTS.keys()


async def test_every_table_of_a_tenant_moves_or_says_why_not(seed: Seed) -> None:
    rows = await seed.fetch(
        """
        select n.nspname || '.' || c.relname as name,
               has_table_privilege('mtas_mover', c.oid, 'select')
                   and has_table_privilege('mtas_mover', c.oid, 'insert') as moves,
               has_table_privilege('mtas_mover', c.oid, 'update, delete, truncate') as more,
               exists (select from pg_attribute a where a.attrelid = c.oid
                          and a.attname in ('tenant_id', 'only_tenant_id')) as has_tenant
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname in ('admin', 'authorize', 'token', 'jwks', 'events')
        """
    )
    assert {row["name"] for row in rows if row["has_tenant"] and not row["moves"]} == STAYS.keys()
    assert not [row["name"] for row in rows if row["more"] or (row["moves"] and not row["has_tenant"])]


async def test_nobody_logs_in_as_the_mover_and_no_service_becomes_it(seed: Seed) -> None:
    (row,) = await seed.fetch("select rolcanlogin from pg_roles where rolname = 'mtas_mover'")
    assert not row["rolcanlogin"]
    for service in SERVICES:
        (row,) = await seed.fetch("select pg_has_role($1, 'mtas_mover', 'set') as may", f"mtas_{service}")
        assert not row["may"], service


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("table", sorted(RIGHTS))
async def test_a_role_has_the_rights_it_needs_and_no_more(seed: Seed, service: str, table: str) -> None:
    (row,) = await seed.fetch(
        """
        select has_table_privilege($1, $2, 'select') as "S", has_table_privilege($1, $2, 'insert') as "I",
               has_table_privilege($1, $2, 'update') as "U", has_table_privilege($1, $2, 'delete') as "D",
               has_any_column_privilege($1, $2, 'select') as s,
               has_any_column_privilege($1, $2, 'insert') as i,
               has_any_column_privilege($1, $2, 'update') as u,
               has_table_privilege($1, $2, 'truncate') or has_table_privilege($1, $2, 'references')
                   or has_table_privilege($1, $2, 'trigger') as more
        """,
        f"mtas_{service}",
        table,
    )
    held = "".join(
        letter if row[letter] else letter.lower() if row.get(letter.lower()) else "" for letter in "SIUD"
    )
    assert held == RIGHTS[table].get(service, "")
    assert not row["more"]


@pytest.mark.parametrize(
    ("service", "statement"),
    [
        pytest.param(
            "token", "select password_hash from authorize.credentials", id="token reads a password hash"
        ),
        pytest.param("token", "select created_at from authorize.users", id="token reads more of users"),
        pytest.param("token", "update authorize.users set name = 'x'", id="token writes a user"),
        pytest.param(
            "authorize", "select sealed_private_key from jwks.signing_keys", id="authorize reads a key"
        ),
        pytest.param(
            "authorize", "select secret_hash from admin.client_secrets", id="authorize reads a secret's hash"
        ),
        pytest.param("authorize", "select 1 from token.families", id="authorize reads a family"),
        pytest.param("jwks", "select 1 from authorize.users", id="jwks reads a user"),
        pytest.param("jwks", "select name from admin.clients", id="jwks reads more of clients"),
        pytest.param("admin", "select sealed_private_key from jwks.signing_keys", id="admin reads a key"),
        pytest.param("admin", "select 1 from authorize.credentials", id="admin reads credentials"),
        pytest.param("admin", "delete from admin.audit_log", id="admin deletes from the audit log"),
        pytest.param("admin", "create table admin.x ()", id="admin makes a table"),
        pytest.param("token", "select jwks.list_tenants_without_key(1)", id="token looks across tenants"),
        pytest.param("token", "select 1 from admin.observations", id="token reads observations"),
        pytest.param(
            "token", "update admin.client_secrets set last_used_at = now()", id="token writes a secret"
        ),
        pytest.param(
            "jwks", "select admin.note_observations('{}', '{}', '{}', '{}', '{}', '{}')", id="jwks observes"
        ),
        pytest.param("admin", "set role mtas_scheduler", id="admin becomes the scheduler"),
    ],
)
async def test_what_a_role_does_not_own_is_denied(stores: Stack, service: str, statement: str) -> None:
    connection = await asyncpg.connect(stores.postgres.service_url(service))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def two_tenants(seed: Seed) -> tuple[UUID, UUID]:
    ids = []
    await seed.execute(
        "insert into admin.developers (email, email_key, password_hash, created_at)"
        " values ('member@example.com', 'member@example.com', 'x', now()) on conflict do nothing"
    )
    for _ in range(2):
        slug = some_slug()
        tenant_id = await seed.tenant(slug)
        await seed.client(tenant_id, slug, ClientType.WEB)
        user_id = await seed.user(tenant_id, "same@example.com")
        for table, columns in ROWS.items():
            names, values = columns
            await seed.execute(f"insert into {table} (tenant_id, {names}) values ($1, {values})", tenant_id)
        await seed.execute(
            "insert into authorize.credentials (tenant_id, user_id, password_hash, updated_at)"
            " values ($1, $2, 'x', now())",
            tenant_id,
            user_id,
        )
        await seed.execute(
            "insert into authorize.consents (tenant_id, user_id, client_id, scope, given_at)"
            " values ($1, $2, 'c', '{}', now())",
            tenant_id,
            user_id,
        )
        await seed.execute(
            "insert into authorize.sessions (tenant_id, user_id, token_hash, auth_time, last_seen_at,"
            " expires_at) values ($1, $2, sha256(uuid_send($1)), now(), now(), now())",
            tenant_id,
            user_id,
        )
        ids.append(tenant_id)
    return ids[0], ids[1]


@pytest.mark.parametrize(
    ("service", "table"),
    [
        (service, table)
        for table, rights in sorted(RIGHTS.items())
        for service in rights
        if table not in (*EXEMPT, *OF_DEVELOPERS)
    ],
)
async def test_without_a_tenant_set_there_are_no_rows_and_with_one_only_its_own(
    stores: Stack, seed: Seed, service: str, table: str
) -> None:
    ours, theirs = await two_tenants(seed)
    connection = await asyncpg.connect(stores.postgres.service_url(service))
    count = f"select count(*) filter (where tenant_id <> $1) as theirs, count(*) as all from {table}"
    try:
        assert (await connection.fetchrow(count, ours))["all"] == 0
        async with connection.transaction():
            await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(ours))
            row = await connection.fetchrow(count, ours)
            assert row["theirs"] == 0
            assert row["all"] > 0, "the table must hold something for this to show anything"
        # After a transaction-local setting has ended its value is '', and must still mean none.
        assert (await connection.fetchrow(count, theirs))["all"] == 0
    finally:
        await connection.close()


async def test_a_row_cannot_be_written_for_another_tenant(stores: Stack, seed: Seed) -> None:
    ours, theirs = await two_tenants(seed)
    connection = await asyncpg.connect(stores.postgres.service_url("authorize"))
    try:
        async with connection.transaction():
            await connection.execute("select set_config('mtas.tenant_id', $1, true)", str(ours))
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with connection.transaction():
                    await connection.execute(
                        "insert into authorize.users (tenant_id, email, email_key, grants_valid_from,"
                        " created_at, updated_at) values ($1, 'x@x', 'x@x', now(), now(), now())",
                        theirs,
                    )
            changed = await connection.execute(
                "update authorize.users set name = 'x' where tenant_id = $1", theirs
            )
            assert changed == "UPDATE 0"
    finally:
        await connection.close()


async def test_same_email_under_two_tenants_are_two_users(seed: Seed) -> None:
    ours, theirs = await two_tenants(seed)
    rows = await seed.fetch(
        "select distinct user_id from authorize.users"
        " where tenant_id = any($1) and email_key = 'same@example.com'",
        [ours, theirs],
    )
    assert len(rows) == 2


async def test_a_service_sees_only_the_events_that_it_wrote(stores: Stack, seed: Seed) -> None:
    ours, _ = await two_tenants(seed)
    writer = await asyncpg.connect(stores.postgres.service_url("authorize"))
    reader = await asyncpg.connect(stores.postgres.service_url("token"))
    try:
        await writer.execute(
            "insert into events.outbox (tenant_id, type, subject, data, occurred_at)"
            " values ($1, 'user.registered', 'x', '{}', now())",
            ours,
        )
        count = "select count(*) from events.outbox where tenant_id = $1"
        assert await writer.fetchval(count, ours) == 1
        assert await reader.fetchval(count, ours) == 0
    finally:
        await writer.close()
        await reader.close()
