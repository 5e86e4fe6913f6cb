-- What a user sees and ends of the grants that they gave: two functions of token, which authorize calls
-- in its own transaction. They run as mtas_token, so authorize reaches no family but through them, and
-- what they do is done when the page answers (docs/adr/0020).

create index on token.families (tenant_id, user_id) where revoked_at is null;

-- Clients that hold a living grant of this user, with all that it lets them do.
create function token.list_grants(p_tenant_id uuid, p_user_id uuid, p_now timestamptz)
returns table (client_id text, scope text[], granted_at timestamptz, used_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select f.client_id,
           (select array_agg(distinct s order by s)
              from token.families g cross join unnest(g.scope) s
             where g.tenant_id = p_tenant_id and g.user_id = p_user_id and g.client_id = f.client_id
               and g.revoked_at is null and g.absolute_expires_at > p_now and g.idle_expires_at > p_now),
           min(f.created_at), max(f.rotated_at)
      from token.families f
     where f.tenant_id = p_tenant_id and f.user_id = p_user_id
       and f.revoked_at is null and f.absolute_expires_at > p_now and f.idle_expires_at > p_now
     group by f.client_id
     order by max(f.rotated_at) desc;
end;

-- Revoke a user's families: one client's, or all but those of one session. Returns how many were alive.
create function token.revoke_grants(
    p_tenant_id uuid, p_user_id uuid, p_client_id text, p_but_session_id uuid, p_reason text, p_now timestamptz
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    number integer := 0;
    found_id uuid;
begin
    for found_id in
        select family_id from token.families
         where tenant_id = p_tenant_id and user_id = p_user_id and revoked_at is null
           and (p_client_id is null or client_id = p_client_id)
           and (p_but_session_id is null or session_id <> p_but_session_id)
         order by family_id
    loop
        if token.revoke_family(p_tenant_id, found_id, null, p_reason, p_now) then
            number := number + 1;
        end if;
    end loop;
    return number;
end
$$;

grant create on schema token to mtas_token;
alter function token.list_grants owner to mtas_token;
alter function token.revoke_grants owner to mtas_token;
revoke create on schema token from mtas_token;

-- What a user has allowed a third party's client, so that they are asked once.
create table authorize.consents (
    tenant_id uuid not null references admin.tenants,
    user_id   uuid not null,
    client_id text not null,
    scope     text[] not null,
    given_at  timestamptz not null,
    primary key (tenant_id, user_id, client_id),
    foreign key (tenant_id, user_id) references authorize.users on delete cascade
);
alter table authorize.consents enable row level security, force row level security;
create policy of_the_tenant on authorize.consents
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());

-- Of somebody else than the tenant: its users are asked before it gets anything of theirs.
alter table admin.clients add column is_third_party boolean not null default false;
