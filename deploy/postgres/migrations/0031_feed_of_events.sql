-- The feed of events (GET /api/v1/events): the audit log in the order in which it was recorded. Each tenant counts
-- for itself, so that a position says nothing of others. Whoever records an event holds the tenant's row until the
-- transaction ends: positions become visible in their order, and a reader who has seen one has seen all before it.
-- What was recorded before this, or at another installation, has none.
create table admin.feeds (
    tenant_id uuid primary key references admin.tenants,
    last      bigint not null                            -- position that was given last
);
alter table admin.feeds enable row level security, force row level security;
create policy of_the_tenant on admin.feeds
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());

alter table admin.audit_log add column position bigint;
create unique index audit_log_by_position on admin.audit_log (tenant_id, position) where position is not null;

-- Until grants.sql has run, an instance of the version before is served.
grant select, insert, update on admin.feeds to mtas_admin;
