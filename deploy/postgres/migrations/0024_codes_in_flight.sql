-- A code that an app holds and has not redeemed ends with what it came of: the session, also where
-- the grant would outlive it (offline_access), and the user's consent to this app.
--
-- New against 0002: what a user disconnects leaves revoked families behind, so these say from when on
-- a code must be. p_issued_at is null of an instance of the version before, which does not say.

create index on token.families (tenant_id, user_id, client_id) where revoked_reason = 'disconnected_by_user';

drop function token.redeem_code;

-- Redeem an authorization code (RFC 6749 §4.1.3). The family's id is derived from the code, so
-- the insert is the single-use check: a second one collides and revokes (RFC 6749 §4.1.2).
-- p_refusal: the caller has found the request wrong; the code is burned by a family born revoked.
-- outcome: redeemed | reused | user_disabled_or_signed_out | refused
create function token.redeem_code(
    p_tenant_id uuid, p_family_id uuid, p_client_id text, p_user_id uuid, p_session_id uuid,
    p_scope text[], p_audience text, p_auth_time timestamptz, p_refreshable boolean, p_offline boolean,
    p_now timestamptz, p_idle_expires_at timestamptz, p_absolute_expires_at timestamptz, p_refusal text,
    p_issued_at timestamptz default null
) returns table (outcome text, email text, email_verified boolean, name text, updated_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
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
-- Until grants.sql has run, an instance of the version before is served.
grant execute on function token.redeem_code to mtas_token;
