-- Forget sessions that are over. One that lapsed has no say in anything. One that was ended still has:
-- it is what keeps the families bound to it from being used (token.live_user), should nobody have
-- revoked them; no family outlives a year (admin.tenants.refresh_absolute_ttl_s).

create index on authorize.sessions (expires_at) where ended_at is null;
create index on authorize.sessions (ended_at) where ended_at is not null;

create policy for_the_scheduler on authorize.sessions to mtas_scheduler
    using (case when ended_at is null then expires_at < now() - interval '1 day'
           else ended_at < now() - interval '366 days' end);

grant usage, create on schema authorize to mtas_scheduler;

-- A batch of them; returns how many.
create function authorize.delete_forgotten_sessions(p_limit integer) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with lapsed as (
        select tenant_id, session_id from authorize.sessions
         where ended_at is null and expires_at < now() - interval '1 day'
         limit p_limit for update skip locked
    ), ended as (
        select tenant_id, session_id from authorize.sessions
         where ended_at is not null and ended_at < now() - interval '366 days'
         limit p_limit for update skip locked
    ), deleted as (
        delete from authorize.sessions s using (table lapsed union all table ended) o
         where s.tenant_id = o.tenant_id and s.session_id = o.session_id
        returning 1
    )
    select count(*) from deleted;
end;
alter function authorize.delete_forgotten_sessions owner to mtas_scheduler;

revoke create on schema authorize from mtas_scheduler;
