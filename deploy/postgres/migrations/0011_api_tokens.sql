-- API tokens: what a script may do in a developer's name. No tenant owns them, as with sessions: a
-- token is looked up before anybody knows which app it will be used on.
create table admin.api_tokens (
    token_id       uuid primary key default uuidv7(),
    token_hash     bytea not null unique check (octet_length(token_hash) = 32),
    developer_id   uuid not null references admin.developers on delete cascade,
    only_tenant_id uuid references admin.tenants,     -- null: every app that the developer has a role in
    name           text not null check (char_length(name) between 1 and 80),
    scope          text[] not null check (cardinality(scope) > 0),
    created_at     timestamptz not null,
    expires_at     timestamptz,                       -- null: until it is revoked
    last_used_at   timestamptz,                       -- exact to a minute
    revoked_at     timestamptz                        -- stays: the audit log names what it did
);
create index on admin.api_tokens (developer_id, token_id);
