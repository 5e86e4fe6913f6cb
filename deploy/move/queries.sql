-- What moving a tenant asks beside its tables themselves (tables.py). As mtas_mover,
-- but for the first, and signing everybody out.

-- name: get_schema
select max(number) from provision.migrations;

-- What a tenant consists of: the tables that grants.sql lets the mover both read and write.
-- name: list_tables
select format('%I.%I', n.nspname, c.relname) as name,
       (select array_agg(quote_ident(a.attname) order by a.attnum) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       array(select distinct k.confrelid::regclass::text from pg_constraint k
              where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as after
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname in ('admin', 'authorize', 'token', 'jwks')
   and has_schema_privilege(n.oid, 'usage')
   and has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
 order by 1;

-- name: get_tenant
select tenant_id, slug, issuer, disabled_at from admin.tenants where slug = $1;

-- name: get_last_expiry
select max(absolute_expires_at) from token.families where tenant_id = $1 and revoked_at is null;

-- name: insert_entry
insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)
values ($1, uuidv7(), $2, 'mtas/mover', $3, $1::uuid::text, $4::jsonb);

-- name: get_developer
select developer_id from admin.developers where email_key = $1;

-- name: insert_owner
insert into admin.members (tenant_id, developer_id, role, created_at) values ($1, $2, 'owner', $3);

-- After a restore (docs/operate/backup.md), as the owner: what was granted is void, wherever it is kept.
-- name: list_tenants
select tenant_id, slug from admin.tenants where $1::text is null or slug = $1 order by slug;

-- name: void_grants
update authorize.users set grants_valid_from = $2 where tenant_id = $1;

-- name: end_sessions
update authorize.sessions set ended_at = $2 where tenant_id = $1 and ended_at is null;
