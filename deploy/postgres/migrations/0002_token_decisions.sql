-- The hot path's decisions: one statement, one round trip, one row. Each function sets the
-- tenant itself, so that a decision needs no surrounding transaction. All run with the
-- caller's rights: grants and row-level security hold inside them.
--
-- Every function takes the time as an argument: the service's clock decides, not the database's.

-- The user behind a grant, while it may be used: neither disabled nor signed out everywhere since,
-- and not signed out of the session that the grant is bound to (OIDC Core §11). Every decision asks
-- here, in its own statement, so none waits for an event.
create function token.live_user(
    p_tenant_id uuid, p_user_id uuid, p_auth_time timestamptz, p_session_id uuid, p_offline boolean
) returns table (email text, email_verified boolean, name text, updated_at timestamptz)
language sql stable
begin atomic
    select u.email, u.email_verified, u.name, u.updated_at
      from authorize.users u
     where u.tenant_id = p_tenant_id and u.user_id = p_user_id
       and u.disabled_at is null and u.grants_valid_from <= p_auth_time
       and (p_offline or not exists (
           select from authorize.sessions s
            where s.tenant_id = p_tenant_id and s.session_id = p_session_id and s.ended_at is not null));
end;

-- Revoke a family (RFC 7009 §2.1, RFC 9700 §4.14). True when it was alive. The event is written
-- in the same transaction; commits synchronously, even where that is off.
create function token.revoke_family(
    p_tenant_id uuid, p_family_id uuid, p_client_id text, p_reason text, p_now timestamptz
) returns boolean
language plpgsql as $$
declare
    revoked token.families;
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    update token.families
       set revoked_at = p_now, revoked_reason = p_reason
     where tenant_id = p_tenant_id and family_id = p_family_id
       and (p_client_id is null or client_id = p_client_id)
       and revoked_at is null
    returning * into revoked;
    if not found then
        return false;
    end if;
    insert into events.outbox (tenant_id, type, subject, data, occurred_at)
    values (p_tenant_id, 'family.revoked', p_family_id::text,
            jsonb_build_object('client_id', revoked.client_id, 'user_id', revoked.user_id, 'reason', p_reason),
            p_now);
    return true;
end
$$;

-- Redeem an authorization code (RFC 6749 §4.1.3). The family's id is derived from the code, so
-- the insert is the single-use check: a second one collides and revokes (RFC 6749 §4.1.2).
-- p_refusal: the caller has found the request wrong; the code is burned by a family born revoked.
-- outcome: redeemed | reused | user_disabled_or_signed_out | refused
create function token.redeem_code(
    p_tenant_id uuid, p_family_id uuid, p_client_id text, p_user_id uuid, p_session_id uuid,
    p_scope text[], p_audience text, p_auth_time timestamptz, p_refreshable boolean, p_offline boolean,
    p_now timestamptz, p_idle_expires_at timestamptz, p_absolute_expires_at timestamptz, p_refusal text
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
              from token.live_user(p_tenant_id, p_user_id, p_auth_time, p_session_id, p_offline) u;
        if not found then
            perform token.revoke_family(p_tenant_id, p_family_id, null, 'user_disabled_or_signed_out', p_now);
            return query select 'user_disabled_or_signed_out', null::text, null::boolean, null::text, null::timestamptz;
        end if;
    end if;
end
$$;

-- Rotate a refresh token (RFC 6749 §6, RFC 9700 §4.14). The caller has checked the token's MAC,
-- so p_generation is one that we issued:
--   = the row's         advance it: this token is spent, its successor is the live one
--   = the row's - 1     and inside the grace: a retry or a second tab; the same successor again
--   > the row's         the database lost its tail (asynchronous failover): accept, fast-forward
--   otherwise           replay: revoke the family
-- A rotation may commit asynchronously, because a lost one is fast-forwarded; a revocation may not.
-- p_scope and p_audience: what the request narrows the grant to, or null (RFC 6749 §6, RFC 8707 §2.2);
-- asking for more than was granted changes nothing.
-- outcome: rotated | retried | replayed | revoked | expired | user_disabled_or_signed_out | scope_exceeded |
--          audience_exceeded | unknown
create function token.rotate_family(
    p_tenant_id uuid, p_family_id uuid, p_client_id text, p_generation integer,
    p_scope text[], p_audience text, p_grace_s integer, p_idle_ttl_s integer, p_now timestamptz
) returns table (
    outcome text, generation integer, user_id uuid, scope text[], audience text, auth_time timestamptz,
    email text, email_verified boolean, name text, updated_at timestamptz
)
language plpgsql as $$
#variable_conflict use_column
declare
    configured_commit constant text := current_setting('synchronous_commit');
    family token.families;
    person record;
    decision text;
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true),
            set_config('synchronous_commit', 'off', true);

    -- The common case first: advance the one live leaf.
    update token.families f
       set generation = p_generation + 1,
           rotated_at = p_now,
           idle_expires_at = least(p_now + make_interval(secs => p_idle_ttl_s), f.absolute_expires_at)
     where f.tenant_id = p_tenant_id and f.family_id = p_family_id and f.client_id = p_client_id
       and f.generation <= p_generation
       and f.refreshable and f.revoked_at is null
       and f.idle_expires_at > p_now and f.absolute_expires_at > p_now
       and (p_scope is null or p_scope <@ f.scope)
       and (p_audience is null or p_audience = f.audience)
    returning f.* into family;

    if found then
        decision := 'rotated';
    else
        select f.* into family
          from token.families f
         where f.tenant_id = p_tenant_id and f.family_id = p_family_id and f.client_id = p_client_id
           and f.refreshable
           for update;
        decision := case
            when not found then 'unknown'
            when family.revoked_at is not null then 'revoked'
            when family.idle_expires_at <= p_now or family.absolute_expires_at <= p_now then 'expired'
            when family.generation > p_generation + 1
                 or family.generation = p_generation + 1
                    and p_now >= family.rotated_at + make_interval(secs => p_grace_s) then 'replayed'
            when not p_scope <@ family.scope then 'scope_exceeded'
            when p_audience <> family.audience then 'audience_exceeded'
            else 'retried'
        end;
    end if;

    if decision in ('rotated', 'retried') then
        select u.* into person
          from token.live_user(
              p_tenant_id, family.user_id, family.auth_time, family.session_id, family.offline) u;
        if found then
            return query select decision, family.generation, family.user_id, family.scope, family.audience,
                family.auth_time, person.email, person.email_verified, person.name, person.updated_at;
            return;
        end if;
        decision := 'user_disabled_or_signed_out';
    end if;

    if decision in ('replayed', 'user_disabled_or_signed_out') then
        perform set_config('synchronous_commit', configured_commit, true);
        perform token.revoke_family(
            p_tenant_id, p_family_id, p_client_id,
            case decision when 'replayed' then 'refresh_token_reused' else decision end, p_now
        );
    end if;
    return query select decision, null::integer, null::uuid, null::text[], null::text, null::timestamptz,
        null::text, null::boolean, null::text, null::timestamptz;
end
$$;

-- The grant behind an access token, while it is alive: for introspection (RFC 7662) and userinfo.
create function token.get_live_grant(p_tenant_id uuid, p_family_id uuid, p_now timestamptz)
returns table (
    client_id text, user_id uuid, scope text[], email text, email_verified boolean, name text, updated_at timestamptz,
    generation integer, rotated_at timestamptz, refreshable boolean,
    idle_expires_at timestamptz, absolute_expires_at timestamptz, audience text, auth_time timestamptz
)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    return query
        select f.client_id, f.user_id, f.scope, u.email, u.email_verified, u.name, u.updated_at,
               f.generation, f.rotated_at, f.refreshable,
               f.idle_expires_at, f.absolute_expires_at, f.audience, f.auth_time
          from token.families f
         cross join lateral token.live_user(p_tenant_id, f.user_id, f.auth_time, f.session_id, f.offline) u
         where f.tenant_id = p_tenant_id and f.family_id = p_family_id and f.revoked_at is null;
end
$$;
