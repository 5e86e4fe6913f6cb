-- One schema a service: whose table it is stands in its name.
-- Every tenant-owned table has tenant_id first in its primary key and row-level security
-- forced; a connection with no tenant set sees zero rows and can write none.

create schema mtas;
create schema admin;
create schema authorize;
create schema token;
create schema jwks;
create schema events;

-- The tenant of this transaction. After a transaction-local setting has ended its value is
-- '', not NULL, hence nullif.
create function mtas.tenant_id() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('mtas.tenant_id', true), '')::uuid;


-- admin: developers, tenants, clients, secrets, members, audit log ---------------------------

create table admin.developers (
    developer_id  uuid primary key default uuidv7(),
    email         text not null,                     -- as typed, for display
    email_key     text not null unique,              -- normalized, for look-up
    password_hash text not null,
    is_operator   boolean not null default false,    -- sees every tenant; the first account is one
    is_first      boolean not null default false,    -- made with the set-up token
    disabled_at   timestamptz,
    created_at    timestamptz not null
);
-- The set-up token is of use once, however many use it at the same time.
create unique index one_first_account on admin.developers (is_first) where is_first;

create table admin.developer_sessions (
    token_hash   bytea primary key check (octet_length(token_hash) = 32),
    developer_id uuid not null references admin.developers on delete cascade,
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null                -- absolute; the idle limit is counted from last_seen_at
);
create index on admin.developer_sessions (developer_id);
create index on admin.developer_sessions (expires_at);

-- The registry that maps a slug to its tenant: every service reads it before it knows a
-- tenant, so it alone carries no row-level security. It holds no person and no secret.
create table admin.tenants (
    tenant_id              uuid primary key default uuidv7(),
    slug                   text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,38}[a-z0-9]$'),
    name                   text not null check (char_length(name) between 1 and 80),
    issuer                 text not null unique,
    signing_alg            text not null default 'RS256' check (signing_alg in ('RS256', 'ES256')),
    sign_up_enabled        boolean not null default true,
    code_ttl_s             integer not null default 60 check (code_ttl_s between 1 and 300),
    access_token_ttl_s     integer not null default 600 check (access_token_ttl_s between 60 and 86400),
    id_token_ttl_s         integer not null default 600 check (id_token_ttl_s between 60 and 86400),
    refresh_idle_ttl_s     integer not null default 1209600 check (refresh_idle_ttl_s between 60 and 31536000),
    refresh_absolute_ttl_s integer not null default 2592000 check (refresh_absolute_ttl_s between 60 and 31536000),
    session_idle_ttl_s     integer not null default 86400 check (session_idle_ttl_s between 60 and 31536000),
    session_absolute_ttl_s integer not null default 2592000 check (session_absolute_ttl_s between 60 and 31536000),
    disabled_at            timestamptz,
    created_at             timestamptz not null,
    updated_at             timestamptz not null
);

create table admin.members (
    tenant_id    uuid not null references admin.tenants,
    developer_id uuid not null references admin.developers,
    role         text not null check (role in ('owner', 'admin', 'viewer')),
    created_at   timestamptz not null,
    primary key (tenant_id, developer_id)
);
create index on admin.members (developer_id);

create table admin.clients (
    tenant_id                 uuid not null references admin.tenants,
    client_id                 text not null check (client_id ~ '^[a-z][a-z0-9-]{1,62}[a-z0-9]$'),
    name                      text not null check (char_length(name) between 1 and 80),
    client_type               text not null check (client_type in ('web', 'spa', 'native', 'machine')),
    is_confidential           boolean not null,
    redirect_uris             text[] not null default '{}',
    post_logout_redirect_uris text[] not null default '{}',
    frontend_origins          text[] not null default '{}',
    resources                 text[] not null default '{}',   -- audiences it may ask for (RFC 8707)
    grant_types               text[] not null,
    allowed_scope             text[] not null,
    pkce_required             boolean not null default true,
    refresh_by_default        boolean not null default false,  -- a refresh token without offline_access
    refresh_grace_s           integer not null default 10 check (refresh_grace_s between 0 and 60),
    id_token_on_refresh       boolean not null default false,
    disabled_at               timestamptz,
    created_at                timestamptz not null,
    updated_at                timestamptz not null,
    primary key (tenant_id, client_id),
    constraint public_clients_use_pkce check (is_confidential or pkce_required),
    constraint only_browserless_clients_hold_secrets
        check ((client_type in ('web', 'machine')) = is_confidential)
);

-- At most two are live at a time; the flow that adds one sees to it under a lock on the client.
create table admin.client_secrets (
    tenant_id   uuid not null,
    client_id   text not null,
    secret_id   uuid not null default uuidv7(),
    secret_hash bytea not null check (octet_length(secret_hash) = 32),
    created_at  timestamptz not null,
    expires_at  timestamptz,                         -- null: until it is rotated
    primary key (tenant_id, client_id, secret_id),
    foreign key (tenant_id, client_id) references admin.clients
);

create table admin.audit_log (
    tenant_id   uuid not null,
    event_id    uuid not null,                       -- the event's own: delivering twice records once
    occurred_at timestamptz not null,
    source      text not null,
    type        text not null,                       -- 'family.revoked'
    subject     text not null,                       -- id of the entity
    data        jsonb not null,
    primary key (tenant_id, event_id)
);
create index on admin.audit_log (tenant_id, occurred_at desc, event_id desc);


-- authorize: users, credentials, sessions ----------------------------------------------------

create table authorize.users (
    tenant_id          uuid not null references admin.tenants,
    user_id            uuid not null default uuidv7(),
    email              text not null,                -- as typed, for display
    email_key          text not null,                -- normalized: unique within the tenant
    email_verified     boolean not null default false,
    name               text,
    grants_valid_from  timestamptz not null,         -- grants authenticated before this are void
    disabled_at        timestamptz,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    primary key (tenant_id, user_id),
    unique (tenant_id, email_key)
);

create table authorize.credentials (
    tenant_id     uuid not null,
    user_id       uuid not null,
    password_hash text not null,
    updated_at    timestamptz not null,
    primary key (tenant_id, user_id),
    foreign key (tenant_id, user_id) references authorize.users on delete cascade
);

create table authorize.sessions (
    tenant_id    uuid not null,
    session_id   uuid not null default uuidv7(),
    token_hash   bytea not null check (octet_length(token_hash) = 32),
    user_id      uuid not null,
    auth_time    timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null,               -- absolute
    ended_at     timestamptz,
    primary key (tenant_id, session_id),
    unique (tenant_id, token_hash),
    foreign key (tenant_id, user_id) references authorize.users on delete cascade
);
create index on authorize.sessions (tenant_id, user_id);


-- jwks: signing keys -------------------------------------------------------------------------

create table jwks.signing_keys (
    tenant_id          uuid not null references admin.tenants,
    kid                text not null,
    alg                text not null check (alg in ('RS256', 'ES256')),
    state              text not null check (state in ('pending', 'active', 'retiring', 'retired')),
    public_jwk         jsonb not null check (not public_jwk ?| array['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']),
    sealed_private_key bytea not null,               -- AES-256-GCM; tenant and kid are associated data
    kek_id             text not null,
    created_at         timestamptz not null,
    activates_at       timestamptz not null,         -- published before, signs from here
    retires_at         timestamptz,                  -- no longer signs
    removes_at         timestamptz,                  -- no longer published
    primary key (tenant_id, kid)
);
create unique index one_active_key_per_algorithm on jwks.signing_keys (tenant_id, alg) where state = 'active';


-- token: families ----------------------------------------------------------------------------

-- One grant of one user to one client: one row, however many tokens came of it. family_id is
-- derived from the authorization code, so inserting the row is the code's single-use check.
create table token.families (
    tenant_id           uuid not null references admin.tenants,
    family_id           uuid not null,
    client_id           text not null,
    user_id             uuid not null,
    session_id          uuid not null,               -- the SSO session it was authorized in
    scope               text[] not null,
    audience            text not null,
    auth_time           timestamptz not null,
    refreshable         boolean not null,            -- was a refresh token issued
    offline             boolean not null,            -- outlives signing out (OIDC Core §11)
    generation          integer not null default 0,  -- of the one live refresh token
    rotated_at          timestamptz not null,
    idle_expires_at     timestamptz not null,
    absolute_expires_at timestamptz not null,
    created_at          timestamptz not null,
    revoked_at          timestamptz,
    revoked_reason      text,
    primary key (tenant_id, family_id)
);
create index on token.families (tenant_id, session_id) where revoked_at is null;
create index on token.families (absolute_expires_at);


-- events: the outbox -------------------------------------------------------------------------

-- A row is written in the transaction of the change; the relay of the service that wrote it
-- (source: its database role) publishes and deletes it.
create table events.outbox (
    position    bigint generated always as identity primary key,
    source      name not null default current_user,
    event_id    uuid not null default uuidv7(),
    tenant_id   uuid not null,
    type        text not null check (type ~ '^[a-z_]+\.[a-z_]+$'),  -- '{entity}.{verb}'
    subject     text not null,                       -- id of the entity
    data        jsonb not null,
    occurred_at timestamptz not null
);


-- Row-level security -------------------------------------------------------------------------

do $$
declare
    tenant_owned text;
begin
    foreach tenant_owned in array array[
        'admin.members', 'admin.clients', 'admin.client_secrets', 'admin.audit_log',
        'authorize.users', 'authorize.credentials', 'authorize.sessions',
        'jwks.signing_keys', 'token.families'
    ] loop
        execute format('alter table %s enable row level security, force row level security', tenant_owned);
        execute format(
            'create policy of_the_tenant on %s using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id())',
            tenant_owned
        );
    end loop;
end
$$;

-- A developer finds the tenants that they belong to before one is chosen.
create policy of_the_developer on admin.members for select to mtas_admin
    using (developer_id = nullif(current_setting('mtas.developer_id', true), '')::uuid);

-- Each service sees the events that it wrote, and no other's.
alter table events.outbox enable row level security, force row level security;
create policy of_the_source on events.outbox using (source = current_user) with check (source = current_user);
