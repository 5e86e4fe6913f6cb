-- A tenant that moves in from another installation brings the keys of its refresh tokens along, so that
-- nobody has to sign in again. Each was derived for this tenant alone. They verify, they never sign.
create table token.moved_in_keys (
    tenant_id    uuid not null references admin.tenants,
    moved_in_id  uuid not null default uuidv7(),
    key_id       smallint not null check (key_id between 0 and 255),      -- as the tokens name it
    sealed_key   bytea not null,                                          -- AES-256-GCM, bound to the tenant
    sealed_under smallint not null check (sealed_under between 0 and 255), -- of MTAS_REFRESH_TOKEN_KEYS
    expires_at   timestamptz not null,                                    -- of the last family that came along
    primary key (tenant_id, moved_in_id)
);
alter table token.moved_in_keys enable row level security, force row level security;
create policy of_the_tenant on token.moved_in_keys
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());
