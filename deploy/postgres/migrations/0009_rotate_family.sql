-- The decision about a refresh token, in its present form, and room on a page for the rows it updates.
--
-- New against 0002: a client without a grace never gets a retry, whichever clock was read first.

-- A rotation changes no indexed column: with room on its page it touches no index.
alter table token.families set (fillfactor = 80);

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
create or replace function token.rotate_family(
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
                 -- Without a grace never a retry: of two requests at once, the second one to be decided
                 -- may well have read its clock first.
                 or family.generation = p_generation + 1
                    and (p_grace_s = 0 or p_now >= family.rotated_at + make_interval(secs => p_grace_s))
                 then 'replayed'
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
