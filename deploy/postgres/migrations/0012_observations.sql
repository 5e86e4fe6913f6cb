-- What authorize and token have seen of an app and the dashboard shows: docs/adr/0014.

-- The last of each kind, by client; the client is '' when none of the tenant's was named. What is kept
-- of a request stands in `detail`, and is a stranger's text.
create table admin.observations (
    tenant_id uuid not null references admin.tenants,
    client_id text not null check (char_length(client_id) <= 64),
    kind      text not null check (kind ~ '^[a-z_]{1,40}$'),
    detail    text check (char_length(detail) <= 500),
    times     bigint not null,
    last_at   timestamptz not null,
    primary key (tenant_id, client_id, kind)
);

-- How often, by the hour. What events tell is counted with the audit log's entry, the rest with observations.
create table admin.activity (
    tenant_id uuid not null references admin.tenants,
    hour      timestamptz not null,
    kind      text not null check (kind in ('sign_in', 'sign_up', 'granted', 'failed', 'refused')),
    times     bigint not null,
    primary key (tenant_id, hour, kind)
);

alter table admin.client_secrets add column last_used_at timestamptz; -- exact to a minute

do $$
declare
    tenant_owned text;
begin
    foreach tenant_owned in array array['admin.observations', 'admin.activity'] loop
        execute format('alter table %s enable row level security, force row level security', tenant_owned);
        execute format(
            'create policy of_the_tenant on %s using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id())',
            tenant_owned
        );
        execute format('create policy for_the_scheduler on %s to mtas_scheduler using (true) with check (true)', tenant_owned);
    end loop;
end
$$;
create policy for_the_scheduler on admin.client_secrets to mtas_scheduler using (true);

grant create on schema admin to mtas_scheduler;

-- Of many tenants at once, the arrays side by side; in one order, so that two processes do not wait for
-- each other. Counts of more than ninety days ago are forgotten on the way.
create function admin.note_observations(
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

    insert into admin.activity as counted (tenant_id, hour, kind, times)
    select n.tenant_id, date_trunc('hour', n.last_at, 'UTC'),
           case n.kind when 'code_redeemed' then 'granted' when 'wrong_password' then 'failed' else 'refused' end,
           sum(n.times)
      from unnest(p_tenant_ids, p_kinds, p_times, p_last_at) as n (tenant_id, kind, times, last_at)
     group by 1, 2, 3
     order by 1, 2, 3
        on conflict (tenant_id, hour, kind) do update set times = counted.times + excluded.times;

    delete from admin.activity a
     where a.tenant_id = any (p_tenant_ids)
       and a.hour < (select max(at) from unnest(p_last_at) as at) - interval '90 days';
end;
alter function admin.note_observations owner to mtas_scheduler;

create function admin.note_secret_uses(
    p_tenant_ids uuid[], p_client_ids text[], p_hashes bytea[], p_used_at timestamptz[]
) returns void
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    update admin.client_secrets s
       set last_used_at = greatest(s.last_used_at, n.used_at)
      from unnest(p_tenant_ids, p_client_ids, p_hashes, p_used_at)
           as n (tenant_id, client_id, secret_hash, used_at)
     where s.tenant_id = n.tenant_id and s.client_id = n.client_id and s.secret_hash = n.secret_hash;
end;
alter function admin.note_secret_uses owner to mtas_scheduler;

revoke create on schema admin from mtas_scheduler;
