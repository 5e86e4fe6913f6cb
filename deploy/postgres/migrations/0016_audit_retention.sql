-- The audit log is kept for as long as the admin service is told (MTAS_AUDIT_RETENTION_DAYS). Whoever could make it
-- forget what happened yesterday could hide it: the policy leaves out the last thirty days, whatever is asked for.

-- Entries come in the order of their time: a few pages of summaries find the old ones of all tenants.
create index audit_log_by_time on admin.audit_log using brin (occurred_at);

create policy for_the_scheduler on admin.audit_log to mtas_scheduler
    using (occurred_at < now() - interval '30 days');

grant create on schema admin to mtas_scheduler;

-- A batch of them; returns how many.
create function admin.delete_old_audit_entries(p_before timestamptz, p_limit integer) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with old as (
        select tenant_id, event_id from admin.audit_log where occurred_at < p_before limit p_limit
    ), deleted as (
        delete from admin.audit_log a using old o
         where a.tenant_id = o.tenant_id and a.event_id = o.event_id
        returning 1
    )
    select count(*) from deleted;
end;
alter function admin.delete_old_audit_entries owner to mtas_scheduler;

revoke create on schema admin from mtas_scheduler;
