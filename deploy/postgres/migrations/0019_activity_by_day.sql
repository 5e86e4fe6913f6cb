-- Activity is drawn by the day, so it is counted by the day: 150 rows for a picture of thirty instead of
-- 3,600, which lay on as many pages. Rows by the hour that are there already count for their day.
alter table admin.activity rename column hour to day;

grant create on schema admin to mtas_scheduler;
create or replace function admin.note_observations(
    p_tenant_ids uuid[], p_client_ids text[], p_kinds text[], p_details text[], p_times bigint[],
    p_last_at timestamptz[]
) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into admin.observations as known (tenant_id, client_id, kind, detail, times, last_at)
    select n.tenant_id, n.client_id, n.kind, n.detail, n.times, n.last_at
      from unnest(p_tenant_ids, p_client_ids, p_kinds, p_details, p_times, p_last_at)
           as n (tenant_id, client_id, kind, detail, times, last_at)
     order by 1, 2, 3
        on conflict (tenant_id, client_id, kind) do update
       set detail = case when excluded.last_at >= known.last_at then excluded.detail else known.detail end,
           times = known.times + excluded.times,
           last_at = greatest(known.last_at, excluded.last_at);

    insert into admin.activity as counted (tenant_id, day, kind, times)
    select n.tenant_id, date_trunc('day', n.last_at, 'UTC'),
           case n.kind when 'code_redeemed' then 'granted' when 'wrong_password' then 'failed' else 'refused' end,
           sum(n.times)
      from unnest(p_tenant_ids, p_kinds, p_times, p_last_at) as n (tenant_id, kind, times, last_at)
     group by 1, 2, 3
     order by 1, 2, 3
        on conflict (tenant_id, day, kind) do update set times = counted.times + excluded.times;

    delete from admin.activity a
     where a.tenant_id = any (p_tenant_ids)
       and a.day < (select max(at) from unnest(p_last_at) as at) - interval '90 days';
end;
revoke create on schema admin from mtas_scheduler;
