-- Signing keys: their size, keys of a tenant's own, and who has fetched them.

alter table admin.tenants
    add column signing_key_bits smallint not null default 2048 check (signing_key_bits in (2048, 3072, 4096)),
    -- May the next key wait until whoever fetched this one has fetched the next?
    add column signing_key_waits boolean not null default false;

alter table jwks.signing_keys
    add column rsa_bits smallint,                        -- null: an EC key, or one of 2048 made before this
    add column is_imported boolean not null default false,
    -- Waits to be fetched, but signs from here on; null: does not wait.
    add column activates_by timestamptz,
    add constraint waits_after_the_lead check (activates_by >= activates_at);

-- A kid is the key's thumbprint (RFC 7638): two tenants with the same one could sign for each other.
create unique index one_tenant_per_key on jwks.signing_keys (kid);

-- What the scheduler looks through: few of the rows that there are, since retired ones stay.
create index live_signing_keys on jwks.signing_keys (tenant_id) where state <> 'retired';

-- Which clients have fetched a JWKS that held a key, as far as they say who they are.
create table jwks.key_fetches (
    tenant_id uuid not null references admin.tenants,
    kid       text not null,
    client    text not null check (client ~ '^[A-Za-z0-9._/-]{1,64}$'),
    first_at  timestamptz not null,
    last_at   timestamptz not null,                      -- to the hour, or so
    primary key (tenant_id, kid, client)
);
alter table jwks.key_fetches enable row level security, force row level security;
create policy of_the_tenant on jwks.key_fetches
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());
create policy for_the_scheduler on jwks.key_fetches to mtas_scheduler using (true) with check (true);

grant create on schema jwks to mtas_scheduler;

-- Is a key what its tenant would have made now? An imported one is, whatever its size.
create function jwks.fits(
    p_alg text, p_rsa_bits smallint, p_is_imported boolean, p_signing_alg text, p_signing_key_bits smallint
) returns boolean
language sql immutable
return p_alg = p_signing_alg
   and (p_is_imported or p_alg <> 'RS256' or coalesce(p_rsa_bits, 2048) = p_signing_key_bits);

-- May a pending key sign? Its lead has passed; and, if it waits, whoever fetched another key of the
-- tenant within the day before it was published has fetched it too, or it has waited for long enough.
create function jwks.is_ready(
    p_tenant_id uuid, p_kid text, p_created_at timestamptz, p_activates_at timestamptz,
    p_activates_by timestamptz, p_now timestamptz
) returns boolean
language sql stable
begin atomic
    select p_activates_at <= p_now
       and (p_activates_by is null or p_activates_by <= p_now or not exists (
            select from jwks.key_fetches f
             where f.tenant_id = p_tenant_id and f.kid <> p_kid
               and f.last_at > p_created_at - interval '1 day'
               and not exists (
                select from jwks.key_fetches n
                 where n.tenant_id = p_tenant_id and n.kid = p_kid and n.client = f.client)));
end;

create function jwks.is_known_key(p_kid text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select exists (select from jwks.signing_keys where kid = p_kid);
end;
alter function jwks.is_known_key owner to mtas_scheduler;

-- Fetches of many tenants at once, the arrays side by side. A key has at most 32 clients by name;
-- all others are "other". In one order, so that two processes do not wait for each other.
create function jwks.note_fetches(
    p_tenant_ids uuid[], p_kids text[], p_clients text[], p_first_at timestamptz[], p_last_at timestamptz[]
) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into jwks.key_fetches as known (tenant_id, kid, client, first_at, last_at)
    select g.tenant_id, g.kid, c.client, min(g.first_at), max(g.last_at)
      from unnest(p_tenant_ids, p_kids, p_clients, p_first_at, p_last_at)
           as g (tenant_id, kid, client, first_at, last_at)
     cross join lateral (
        select case when exists (
                    select from jwks.key_fetches f
                     where f.tenant_id = g.tenant_id and f.kid = g.kid and f.client = g.client)
                 or (select count(*) < 32 from jwks.key_fetches f
                      where f.tenant_id = g.tenant_id and f.kid = g.kid)
               then g.client else 'other' end as client) c
     where exists (
        select from jwks.signing_keys k
         where k.tenant_id = g.tenant_id and k.kid = g.kid and k.state <> 'retired')
     group by 1, 2, 3
     order by 1, 2, 3
        on conflict (tenant_id, kid, client) do update set last_at = excluded.last_at
     where known.last_at < excluded.last_at;
end;
alter function jwks.note_fetches owner to mtas_scheduler;

-- As before (0004_key_rotation.sql), and: a key of another size than the tenant's is due.
create or replace function jwks.list_tenants_with_due_keys(
    p_now timestamptz, p_aged timestamptz, p_kek_id text, p_after uuid, p_limit integer
) returns table (tenant_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select t.tenant_id
      from admin.tenants t
     where t.tenant_id > p_after
       and exists (
        select from jwks.signing_keys k
         where k.tenant_id = t.tenant_id
           and k.state <> 'retired'
           and (k.kek_id <> p_kek_id or case k.state
                when 'pending' then k.activates_at <= p_now
                  or not jwks.fits(k.alg, k.rsa_bits, k.is_imported, t.signing_alg, t.signing_key_bits)
                when 'retiring' then k.removes_at <= p_now
                else k.longest_ttl_s < greatest(t.access_token_ttl_s, t.id_token_ttl_s)
                  or (k.alg <> t.signing_alg and exists (
                        select from jwks.signing_keys a
                         where a.tenant_id = t.tenant_id and a.state = 'active' and a.alg = t.signing_alg))
                  or ((k.activates_at <= p_aged
                       or not jwks.fits(k.alg, k.rsa_bits, k.is_imported, t.signing_alg, t.signing_key_bits))
                      and not exists (
                        select from jwks.signing_keys p
                         where p.tenant_id = t.tenant_id and p.state = 'pending' and p.alg = t.signing_alg))
                end))
     order by t.tenant_id
     limit p_limit;
end;

revoke create on schema jwks from mtas_scheduler;
