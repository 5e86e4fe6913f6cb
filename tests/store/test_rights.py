"""Least privilege beyond whole tables: who may call which function, and see or write which columns.

Held against deploy/postgres/grants.sql: a right that is not named here is one too many.
"""

from collections.abc import Mapping

import asyncpg

from deploy.local.stack import Stack
from deploy.provision.postgres import FOLDER
from tests.support.seed import Seed

GRANTS = FOLDER / "grants.sql"
SERVICES = ("authorize", "token", "jwks", "admin")
ROLES = (*SERVICES, "scheduler", "mover")

# Who may call what.
CALLS: Mapping[str, set[str]] = {
    "admin.delete_old_audit_entries": {"admin"},
    "admin.find_client": {"authorize", "token"},
    "admin.has_inviter": {"admin"},
    "admin.list_client_secrets": {"token"},
    "admin.list_frontend_origins": {"authorize", "token", "jwks"},
    "admin.note_observations": {"authorize", "token"},
    "admin.note_secret_uses": {"token"},
    "authorize.delete_forgotten_mails": {"authorize"},
    "authorize.delete_forgotten_sessions": {"authorize"},
    "authorize.find_users": {"admin"},
    "jwks.find_active_key": {"token", "jwks"},
    "jwks.fits": {"jwks", "scheduler"},
    "jwks.is_known_key": {"jwks"},
    "jwks.is_ready": {"jwks"},
    "jwks.list_public_keys": {"token", "jwks"},
    "jwks.list_tenants_with_due_keys": {"jwks"},
    "jwks.list_tenants_without_key": {"jwks"},
    "jwks.note_fetches": {"jwks"},
    "mtas.tenant_id": set(ROLES),
    "token.delete_expired_families": {"token"},
    "token.get_live_grant": {"token"},
    "token.list_grants": {"authorize", "token"},
    "token.live_user": {"token"},
    "token.lock_of_grants": {"token"},
    "token.redeem_code": {"token"},
    "token.redeem_codes": {"token"},
    "token.revoke_family": {"token"},
    "token.revoke_grants": {"authorize", "token"},
    "token.rotate_families": {"token"},
    "token.rotate_family": {"token"},
}

# Of tables that a service may not see, or write, as a whole: the columns.
SEES = {
    ("jwks", "admin.clients"): "client_id disabled_at frontend_origins tenant_id",
    ("token", "authorize.sessions"): "ended_at session_id tenant_id",
    ("admin", "authorize.users"): (
        "created_at disabled_at email email_key email_verified name tenant_id user_id"
    ),
    ("token", "authorize.users"): (
        "disabled_at email email_verified grants_valid_from name tenant_id updated_at user_id"
    ),
    ("admin", "jwks.signing_keys"): (
        "activates_at activates_by alg created_at is_imported kid removes_at retires_at rsa_bits state"
        " tenant_id withdrawn_at"
    ),
    ("authorize", "jwks.signing_keys"): "alg kid public_jwk removes_at state tenant_id withdrawn_at",
}
CHANGES = {
    ("admin", "admin.api_tokens"): "last_used_at revoked_at",
    ("admin", "admin.idempotency_keys"): "sealed_answer",
    ("admin", "admin.invitations"): "ended_at mail_claimed_at mail_refused_at mail_sent_at taken_by",
    **{(service, "events.outbox"): "parked_at parked_because" for service in SERVICES},
}
ADDS = {
    (service, "events.outbox"): "data occurred_at subject tenant_id traceparent type" for service in SERVICES
}


async def test_a_function_is_called_by_whom_it_is_for_and_by_nobody_else(seed: Seed) -> None:
    """PUBLIC may by default, and nobody but a function's owner takes that back."""
    rows = await seed.fetch(
        """
        select n.nspname || '.' || p.proname as name,
               array(select role from unnest($1::text[]) role
                      where has_function_privilege('mtas_' || role, p.oid, 'execute')) as may,
               p.proacl is null or exists (select from aclexplode(p.proacl) where grantee = 0) as anybody
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname in ('mtas', 'admin', 'authorize', 'token', 'jwks', 'events', 'provision', 'public')
        """,
        list(ROLES),
    )
    assert {row["name"]: set(row["may"]) for row in rows} == CALLS
    assert [row["name"] for row in rows if row["anybody"]] == []


async def test_the_page_of_grants_is_run_again_by_the_owner(stores: Stack, seed: Seed) -> None:
    """At each provision: nothing that it takes away may keep it from doing so the next time."""
    owner = await asyncpg.connect(stores.postgres.owner_url)
    try:
        for _ in range(2):
            async with owner.transaction():
                await owner.execute(GRANTS.read_text())
    finally:
        await owner.close()
    await test_a_function_is_called_by_whom_it_is_for_and_by_nobody_else(seed)


async def test_a_function_with_anothers_rights_takes_no_name_from_its_caller(seed: Seed) -> None:
    """And its rights are those of who looks across tenants, or of token: never the owner's of everything."""
    rows = await seed.fetch(
        """
        select p.proname as name, p.proowner::regrole::text as owner,
               coalesce('search_path=pg_catalog, pg_temp' = any(p.proconfig), false) as pinned
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where p.prosecdef and n.nspname in ('mtas', 'admin', 'authorize', 'token', 'jwks', 'events')
        """
    )
    assert len(rows) > 10
    assert [row["name"] for row in rows if not row["pinned"]] == []
    assert {row["owner"] for row in rows} == {"mtas_scheduler", "mtas_token"}


async def test_of_a_table_in_part_a_service_has_the_named_columns(seed: Seed) -> None:
    rows = await seed.fetch(
        """
        select role, n.nspname || '.' || c.relname as table, kind,
               string_agg(a.attname::text, ' ' order by a.attname::text collate "C") as columns
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         cross join unnest($1::text[]) role
         cross join unnest(array['select', 'update', 'insert']) kind
         where c.relkind in ('r', 'p') and n.nspname in ('admin', 'authorize', 'token', 'jwks', 'events')
           and not has_table_privilege('mtas_' || role, c.oid, kind)
           and has_column_privilege('mtas_' || role, c.oid, a.attnum, kind)
         group by 1, 2, 3
        """,
        list(SERVICES),
    )
    held: dict[str, dict[tuple[str, str], str]] = {"select": {}, "update": {}, "insert": {}}
    for row in rows:
        held[row["kind"]][row["role"], row["table"]] = row["columns"]
    assert held == {"select": SEES, "update": CHANGES, "insert": ADDS}


async def test_a_service_is_nobody_special_to_the_server(seed: Seed) -> None:
    rows = await seed.fetch(
        """
        select r.rolname as name,
               r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
                   or has_database_privilege(r.oid, current_database(), 'create, temp') as special,
               exists (select from pg_auth_members m where m.member = r.oid) as is_member,
               exists (
                   select from pg_namespace n where has_schema_privilege(r.oid, n.oid, 'create')
               ) as creates
          from pg_roles r where r.rolname = any($1)
        """,
        [f"mtas_{role}" for role in ROLES],
    )
    assert len(rows) == len(ROLES)
    assert [row["name"] for row in rows if row["special"] or row["is_member"] or row["creates"]] == []
