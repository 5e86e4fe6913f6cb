-- Rotations and redemptions that come at once, in one statement: docs/adr/0029-decided-together.md.
--
-- Each of these does the common case for many, and waits for nobody: what somebody else holds, and whatever is
-- not simply so, is left out of the answer and left as it is. The caller asks for that by itself, of
-- token.rotate_family or token.redeem_code, which say why and revoke. Families are taken in order of their id, as
-- everywhere. place: which of those that were asked for, from 1.

-- Advance each one live leaf, where all is well with it. Narrowing is asked for singly.
create function token.rotate_families(
    p_tenant_ids uuid[], p_family_ids uuid[], p_client_ids text[], p_generations integer[], p_idle_ttls_s integer[],
    p_now timestamptz
) returns table (
    place bigint, user_id uuid, scope text[], audience text, auth_time timestamptz,
    email text, email_verified boolean, name text, updated_at timestamptz
)
language plpgsql as $$
#variable_conflict use_column
declare
    asked record;
begin
    perform set_config('synchronous_commit', 'off', true);
    for asked in
        select a.* from unnest(p_tenant_ids, p_family_ids, p_client_ids, p_generations, p_idle_ttls_s)
            with ordinality a (tenant_id, family_id, client_id, generation, idle_ttl_s, place)
         order by a.family_id
    loop
        perform set_config('mtas.tenant_id', asked.tenant_id::text, true);
        update token.families f
           set generation = asked.generation + 1,
               rotated_at = p_now,
               idle_expires_at = least(p_now + make_interval(secs => asked.idle_ttl_s), f.absolute_expires_at)
          from (select l.user_id, l.auth_time, l.session_id, l.offline
                  from token.families l
                 where l.tenant_id = asked.tenant_id and l.family_id = asked.family_id
                   and l.client_id = asked.client_id and l.generation <= asked.generation
                   and l.refreshable and l.revoked_at is null
                   and l.idle_expires_at > p_now and l.absolute_expires_at > p_now
                   for no key update skip locked) free
         cross join lateral token.live_user(
               asked.tenant_id, free.user_id, free.auth_time, free.session_id, free.offline) u
         -- By its key here too, and not joined: or a plan may go through all families of the tenant.
         where f.tenant_id = asked.tenant_id and f.family_id = asked.family_id
        returning f.user_id, f.scope, f.audience, f.auth_time, u.email, u.email_verified, u.name, u.updated_at
             into user_id, scope, audience, auth_time, email, email_verified, name, updated_at;
        if found then
            place := asked.place;
            return next;
        end if;
    end loop;
end
$$;

-- Redeem codes with whose requests all is well. p_scopes: each joined by spaces.
create function token.redeem_codes(
    p_tenant_ids uuid[], p_family_ids uuid[], p_client_ids text[], p_user_ids uuid[], p_session_ids uuid[],
    p_scopes text[], p_audiences text[], p_auth_times timestamptz[], p_refreshable boolean[], p_offline boolean[],
    p_now timestamptz, p_idle_expires_at timestamptz[], p_absolute_expires_at timestamptz[], p_issued_at timestamptz[]
) returns table (place bigint, email text, email_verified boolean, name text, updated_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
    asked record;
    person record;
begin
    for asked in
        select a.* from unnest(
            p_tenant_ids, p_family_ids, p_client_ids, p_user_ids, p_session_ids, p_scopes, p_audiences, p_auth_times,
            p_refreshable, p_offline, p_idle_expires_at, p_absolute_expires_at, p_issued_at)
            with ordinality a (
                tenant_id, family_id, client_id, user_id, session_id, scope, audience, auth_time,
                refreshable, offline, idle_expires_at, absolute_expires_at, issued_at, place)
         order by a.family_id
    loop
        perform set_config('mtas.tenant_id', asked.tenant_id::text, true);
        continue when not pg_try_advisory_xact_lock_shared(token.lock_of_grants(asked.tenant_id, asked.user_id));
        select u.email, u.email_verified, u.name, u.updated_at into person
          from token.live_user(asked.tenant_id, asked.user_id, asked.auth_time, asked.session_id, false) u
         where not exists (
               select from token.families f
                where f.tenant_id = asked.tenant_id and f.user_id = asked.user_id and f.client_id = asked.client_id
                  and f.revoked_reason = 'disconnected_by_user' and f.revoked_at >= asked.issued_at);
        continue when not found;
        insert into token.families (
            tenant_id, family_id, client_id, user_id, session_id, scope, audience, auth_time,
            refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at
        ) values (
            asked.tenant_id, asked.family_id, asked.client_id, asked.user_id, asked.session_id,
            string_to_array(asked.scope, ' '), asked.audience, asked.auth_time, asked.refreshable, asked.offline,
            p_now, asked.idle_expires_at, asked.absolute_expires_at, p_now
        ) on conflict (tenant_id, family_id) do nothing;
        continue when not found;
        place := asked.place;
        email := person.email;
        email_verified := person.email_verified;
        name := person.name;
        updated_at := person.updated_at;
        return next;
    end loop;
end
$$;
