-- The hot path's reads are by key whatever the planner knows: before a table is analyzed that is its size alone, and a
-- connection keeps the plan of then while the table grows.

-- Whether the session has ended: a look at its row. `not exists` over those that have ended became, while there
-- were few, a hash of all of them, read anew for every refresh.
create or replace function token.live_user(
    p_tenant_id uuid, p_user_id uuid, p_auth_time timestamptz, p_session_id uuid, p_offline boolean
) returns table (email text, email_verified boolean, name text, updated_at timestamptz)
language sql stable
begin atomic
    select u.email, u.email_verified, u.name, u.updated_at
      from authorize.users u
     where u.tenant_id = p_tenant_id and u.user_id = p_user_id
       and u.disabled_at is null and u.grants_valid_from <= p_auth_time
       and (p_offline or (
           select s.ended_at from authorize.sessions s
            where s.tenant_id = p_tenant_id and s.session_id = p_session_id) is null);
end;

-- Those that began with the tenant looked as good as the key. A user is of one tenant, and 256 random bits are of one
-- session.
create index on authorize.sessions (user_id);
drop index authorize.sessions_tenant_id_user_id_idx;
alter table authorize.sessions add unique (token_hash), drop constraint sessions_tenant_id_token_hash_key;

-- Which families have ended, is asked by who deletes them alone; "not yet" is asked of each that is refreshed, and was,
-- with two pages of families, looked up here. The policy asks, since a function's own condition goes by no index unless
-- it can be trusted with rows that the policy hides.
create index on token.families ((absolute_expires_at at time zone 'UTC'));
alter policy for_the_scheduler on token.families
    using (absolute_expires_at at time zone 'UTC' < (now() - interval '1 day') at time zone 'UTC');
drop index token.families_absolute_expires_at_idx;
