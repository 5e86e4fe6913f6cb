-- A code that is redeemed while its user ends grants: whichever comes first, the other sees it.
--
-- New against 0021 and 0024: revoking a user's grants and redeeming a code of theirs wait for each other, and
-- codes not for one another. A lock that is no row's: token may not lock users, and a redemption writes no more.

create function token.lock_of_grants(p_tenant_id uuid, p_user_id uuid) returns bigint
language sql immutable
begin atomic
    select hashtextextended('mtas grants ' || p_tenant_id || p_user_id, 0);
end;
-- Until grants.sql has run, an instance of the version before is served.
grant execute on function token.lock_of_grants to mtas_token;

create or replace function token.redeem_code(
    p_tenant_id uuid, p_family_id uuid, p_client_id text, p_user_id uuid, p_session_id uuid,
    p_scope text[], p_audience text, p_auth_time timestamptz, p_refreshable boolean, p_offline boolean,
    p_now timestamptz, p_idle_expires_at timestamptz, p_absolute_expires_at timestamptz, p_refusal text,
    p_issued_at timestamptz default null
) returns table (outcome text, email text, email_verified boolean, name text, updated_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true),
            pg_advisory_xact_lock_shared(token.lock_of_grants(p_tenant_id, p_user_id));
    insert into token.families (
        tenant_id, family_id, client_id, user_id, session_id, scope, audience, auth_time,
        refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at,
        revoked_at, revoked_reason
    ) values (
        p_tenant_id, p_family_id, p_client_id, p_user_id, p_session_id, p_scope, p_audience, p_auth_time,
        p_refreshable, p_offline, p_now, p_idle_expires_at, p_absolute_expires_at, p_now,
        case when p_refusal is not null then p_now end, p_refusal
    ) on conflict (tenant_id, family_id) do nothing;
    if not found then
        perform token.revoke_family(p_tenant_id, p_family_id, null, 'code_reused', p_now);
        return query select 'reused', null::text, null::boolean, null::text, null::timestamptz;
    elsif p_refusal is not null then
        return query select 'refused', null::text, null::boolean, null::text, null::timestamptz;
    else
        return query
            select 'redeemed', u.email, u.email_verified, u.name, u.updated_at
              from token.live_user(p_tenant_id, p_user_id, p_auth_time, p_session_id, false) u
             where not exists (
                   select from token.families f
                    where f.tenant_id = p_tenant_id and f.user_id = p_user_id and f.client_id = p_client_id
                      and f.revoked_reason = 'disconnected_by_user' and f.revoked_at >= p_issued_at);
        if not found then
            perform token.revoke_family(p_tenant_id, p_family_id, null, 'user_disabled_or_signed_out', p_now);
            return query select 'user_disabled_or_signed_out', null::text, null::boolean, null::text, null::timestamptz;
        end if;
    end if;
end
$$;

-- Its owner is token (0021).
grant create on schema token to mtas_token;
set local role mtas_token;
create or replace function token.revoke_grants(
    p_tenant_id uuid, p_user_id uuid, p_client_id text, p_but_session_id uuid, p_reason text, p_now timestamptz
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    number integer := 0;
    found_id uuid;
begin
    perform pg_advisory_xact_lock(token.lock_of_grants(p_tenant_id, p_user_id));
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
reset role;
revoke create on schema token from mtas_token;
