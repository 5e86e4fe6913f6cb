-- Find users by a part of their email address or name, fast among a hundred thousand.
--
-- Row-level security keeps an index from being used for this: an operator that might leak what it looks
-- at (like) is applied only after the policy has let a row through. The function belongs to mtas_scheduler,
-- to whom every row is visible, and sees to the tenant itself; nobody chooses another than the one that
-- is set for the transaction.

create schema extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists btree_gin with schema extensions;

create index users_by_part on authorize.users
    using gin (tenant_id, (email_key || E'\n' || lower(coalesce(name, ''))) extensions.gin_trgm_ops)
    with (gin_pending_list_limit = 256);             -- kB: what is pending is read by every search
create index users_by_beginning on authorize.users (tenant_id, email_key text_pattern_ops);

create policy for_the_scheduler on authorize.users for select to mtas_scheduler using (true);

grant usage, create on schema authorize to mtas_scheduler;

-- Newest first: a user_id is a UUIDv7. p_part is in lower case; p_after is the user to go on after, or null.
-- Three characters are found anywhere, fewer at the beginning of the address: they make no trigram.
--
-- A part that many have is found among the newest; one that few have, by the index. Which it is we cannot
-- know before: the planner is not shown the statistics of a table with a policy on it.
create function authorize.find_users(p_part text, p_after uuid, p_limit integer)
returns table (
    user_id uuid, email text, email_verified boolean, name text, disabled_at timestamptz, created_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    newest constant integer := 2000;
    escaped constant text := replace(replace(replace(p_part, '\', '\\'), '%', '\%'), '_', '\_');
    oldest_seen uuid;
    number integer;
begin
    if char_length(p_part) < 3 then
        return query
            select u.user_id, u.email, u.email_verified, u.name, u.disabled_at, u.created_at
              from authorize.users u
             where u.tenant_id = mtas.tenant_id() and u.email_key like escaped || '%'
               and (p_after is null or u.user_id < p_after)
             order by u.user_id desc
             limit p_limit;
        return;
    end if;
    return query
        select u.user_id, u.email, u.email_verified, u.name, u.disabled_at, u.created_at
          from (select a.user_id, a.email, a.email_key, a.email_verified, a.name, a.disabled_at, a.created_at
                  from authorize.users a
                 where a.tenant_id = mtas.tenant_id() and (p_after is null or a.user_id < p_after)
                 order by a.user_id desc
                 limit newest) u
         where u.email_key || E'\n' || lower(coalesce(u.name, '')) like '%' || escaped || '%'
         order by u.user_id desc
         limit p_limit;
    get diagnostics number = row_count;
    select a.user_id into oldest_seen
      from authorize.users a
     where a.tenant_id = mtas.tenant_id() and (p_after is null or a.user_id < p_after)
     order by a.user_id desc
    offset newest - 1
     limit 1;
    if number >= p_limit or oldest_seen is null then
        return;
    end if;
    return query
        select u.user_id, u.email, u.email_verified, u.name, u.disabled_at, u.created_at
          from authorize.users u
         where u.tenant_id = mtas.tenant_id() and u.user_id < oldest_seen
           and u.email_key || E'\n' || lower(coalesce(u.name, '')) like '%' || escaped || '%'
         order by u.user_id desc
         limit p_limit - number;
end
$$;
alter function authorize.find_users owner to mtas_scheduler;

revoke create on schema authorize from mtas_scheduler;
