-- Rotation of signing keys: pending → active → retiring → retired.

-- A retired key has no private half left, and no other key is without one.
alter table jwks.signing_keys
    alter column sealed_private_key drop not null,
    -- The longest life that a token it signed may have: only ever raised, so that a tenant which
    -- shortens its tokens does not cut off those that are out.
    add column longest_ttl_s integer not null default 0,
    -- Ended by an emergency: nothing that it signed counts any more, wherever it is kept.
    add column withdrawn_at timestamptz,
    add constraint retired_keys_cannot_sign check ((sealed_private_key is null) = (state = 'retired')),
    add constraint withdrawn_keys_are_retired check (withdrawn_at is null or state = 'retired');

-- With one_active_key_per_algorithm: two rotators cannot both make the next key.
create unique index one_pending_key_per_algorithm on jwks.signing_keys (tenant_id, alg) where state = 'pending';

grant create on schema jwks to mtas_scheduler;

-- Tenants without any key that signs: a first key signs at once. A tenant that chose another
-- algorithm has one, and waits for the next like everybody.
create or replace function jwks.list_tenants_without_key(p_limit integer)
    returns table (tenant_id uuid, signing_alg text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select t.tenant_id, t.signing_alg
      from admin.tenants t
     where not exists (
        select from jwks.signing_keys k where k.tenant_id = t.tenant_id and k.state = 'active')
     order by t.tenant_id
     limit p_limit;
end;

-- Tenants, by id after p_after, with a key whose time has come for anything at all. Which thing it
-- is, each statement of the jwks service decides for itself, with the tenant set.
-- p_aged: keys that began to sign by then need a successor. p_kek_id: what keys are sealed under.
create function jwks.list_tenants_with_due_keys(
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
                when 'pending' then k.activates_at <= p_now or k.alg <> t.signing_alg
                when 'retiring' then k.removes_at <= p_now
                else k.longest_ttl_s < greatest(t.access_token_ttl_s, t.id_token_ttl_s)
                  or (k.alg <> t.signing_alg and exists (
                        select from jwks.signing_keys a
                         where a.tenant_id = t.tenant_id and a.state = 'active' and a.alg = t.signing_alg))
                  or ((k.activates_at <= p_aged or k.alg <> t.signing_alg) and not exists (
                        select from jwks.signing_keys p
                         where p.tenant_id = t.tenant_id and p.state = 'pending' and p.alg = t.signing_alg))
                end))
     order by t.tenant_id
     limit p_limit;
end;
alter function jwks.list_tenants_with_due_keys owner to mtas_scheduler;

revoke create on schema jwks from mtas_scheduler;
