-- Invitations: how a developer comes to an app, and how any account but the first is made.

-- Is the address theirs? The first account vouches for its own; others have been mailed, or invited
-- by an operator.
alter table admin.developers add column email_verified boolean not null default false;
update admin.developers set email_verified = true where is_first;

create table admin.invitations (
    tenant_id     uuid not null references admin.tenants,
    invitation_id uuid not null default uuidv7(),
    token_hash    bytea not null check (octet_length(token_hash) = 32),
    email         text not null,                     -- as typed, for display
    email_key     text not null,                     -- normalized: it is for nobody else
    role          text not null check (role in ('owner', 'admin', 'viewer')),
    vouched       boolean not null,                  -- whoever takes it has shown that the address is theirs
    created_at    timestamptz not null,
    expires_at    timestamptz not null,
    ended_at      timestamptz,                       -- taken, revoked, or another one took its place
    taken_by      uuid references admin.developers,
    primary key (tenant_id, invitation_id),
    unique (tenant_id, token_hash)
);
create unique index one_open_invitation on admin.invitations (tenant_id, email_key) where ended_at is null;

alter table admin.invitations enable row level security, force row level security;
create policy of_the_tenant on admin.invitations
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());
