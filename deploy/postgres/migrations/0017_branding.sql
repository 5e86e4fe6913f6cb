-- What an app's hosted pages look like. A logo is what we have re-encoded, by the hash of its content; the
-- one that is shown stands on the tenant, those before it are deleted with the change.
alter table admin.tenants
    add column accent text check (accent ~ '^#[0-9a-f]{6}$'),
    add column logo   text check (logo ~ '^[0-9a-f]{32}$');

create table admin.logos (
    tenant_id  uuid not null references admin.tenants,
    logo       text not null check (logo ~ '^[0-9a-f]{32}$'),
    media_type text not null check (media_type in ('image/png', 'image/webp')),
    content    bytea not null check (octet_length(content) between 1 and 262144),
    width      integer not null check (width between 1 and 512),
    height     integer not null check (height between 1 and 512),
    created_at timestamptz not null,
    primary key (tenant_id, logo)
);
alter table admin.logos enable row level security, force row level security;
create policy of_the_tenant on admin.logos
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());
