-- The few look-ups that cross tenants. They belong to mtas_scheduler, a role that cannot log in
-- and sees only the columns named in grants.sql; the policies below are its own, so nobody else
-- sees a row without a tenant set.

create policy for_the_scheduler on jwks.signing_keys for select to mtas_scheduler using (true);
create policy for_the_scheduler on token.families to mtas_scheduler
    using (absolute_expires_at < now() - interval '1 day');

grant usage, create on schema jwks to mtas_scheduler;
grant usage, create on schema token to mtas_scheduler;

-- Tenants whose key must be made now: none active for the algorithm that they sign with.
create function jwks.list_tenants_without_key(p_limit integer) returns table (tenant_id uuid, signing_alg text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select t.tenant_id, t.signing_alg
      from admin.tenants t
     where not exists (
        select from jwks.signing_keys k
         where k.tenant_id = t.tenant_id and k.alg = t.signing_alg and k.state = 'active')
     order by t.tenant_id
     limit p_limit;
end;
alter function jwks.list_tenants_without_key owner to mtas_scheduler;

-- Forget families a day after their last possible token; returns how many.
create function token.delete_expired_families(p_limit integer) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with expired as (
        select tenant_id, family_id from token.families
         where absolute_expires_at < now() - interval '1 day'
         limit p_limit for update skip locked
    ), deleted as (
        delete from token.families f using expired e
         where f.tenant_id = e.tenant_id and f.family_id = e.family_id
        returning 1
    )
    select count(*) from deleted;
end;
alter function token.delete_expired_families owner to mtas_scheduler;

revoke create on schema jwks from mtas_scheduler;
revoke create on schema token from mtas_scheduler;
