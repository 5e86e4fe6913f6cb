-- What a user does with their own account.

-- name: get_user
select user_id, email, email_verified, name, created_at, updated_at
  from authorize.users
 where tenant_id = $1 and user_id = $2 and disabled_at is null;

-- name: update_name
update authorize.users
   set name = $3, updated_at = $4
 where tenant_id = $1 and user_id = $2 and name is distinct from $3
returning user_id;

-- No row when the address has meanwhile become another user's; two at once collide on the key.
-- name: update_email
update authorize.users
   set email = $3, email_key = $4, email_verified = true, updated_at = $5
 where tenant_id = $1 and user_id = $2
   and not exists (
       select from authorize.users o where o.tenant_id = $1 and o.email_key = $4 and o.user_id <> $2)
returning user_id;

-- Only while it is still the hash that was verified: of two at once, one changes it.
-- Devices that signed in with the former one are not known any more (docs/adr/0017).
-- name: update_password
with changed as (
    update authorize.credentials
       set password_hash = $4, updated_at = $5
     where tenant_id = $1 and user_id = $2 and password_hash = $3
    returning user_id
)
update authorize.users
   set devices_valid_from = $5
 where tenant_id = $1 and user_id = (select user_id from changed)
returning user_id;

-- name: delete_user
delete from authorize.users where tenant_id = $1 and user_id = $2 returning user_id;

-- Alive: as `get_session` has it. $3 now, $4 the earliest last_seen_at that is not idle
-- name: list_sessions
select s.session_id, s.created_at, s.last_seen_at, s.user_agent, s.address
  from authorize.sessions s join authorize.users u using (tenant_id, user_id)
 where s.tenant_id = $1 and s.user_id = $2
   and s.ended_at is null and s.expires_at > $3 and s.last_seen_at > $4 and s.auth_time >= u.grants_valid_from
 order by s.last_seen_at desc, s.session_id;

-- One of them, or all but the one at hand.
-- name: end_session_of_user
update authorize.sessions
   set ended_at = $4
 where tenant_id = $1 and user_id = $2 and session_id = $3 and ended_at is null
returning session_id;

-- name: end_other_sessions
update authorize.sessions
   set ended_at = $4
 where tenant_id = $1 and user_id = $2 and session_id <> $3 and ended_at is null
returning session_id;

-- Not ended meanwhile; and who ends it now comes after this transaction, and finds what it has written.
-- name: lock_session
select s.session_id
  from authorize.users u join authorize.sessions s using (tenant_id, user_id)
 where u.tenant_id = $1 and u.user_id = $2 and s.session_id = $3
   and u.disabled_at is null and s.ended_at is null and s.auth_time >= u.grants_valid_from
   for share of u for share of s;

-- The session at hand goes on under another token.
-- name: replace_token
update authorize.sessions
   set token_hash = $4, auth_time = $5, last_seen_at = $5
 where tenant_id = $1 and user_id = $2 and session_id = $3 and ended_at is null
returning session_id;

-- Families are token's: see migrations/0021_grants_of_a_user.sql.
-- name: list_grants
select g.client_id, g.scope, g.granted_at, g.used_at, c.name, c.is_third_party
  from token.list_grants($1, $2, $3) g join admin.clients c on c.tenant_id = $1 and c.client_id = g.client_id;

-- name: revoke_grants
select token.revoke_grants($1, $2, $3, $4, $5, $6);

-- name: list_consents
select client_id, scope, scope_at_resources, given_at from authorize.consents where tenant_id = $1 and user_id = $2 order by client_id;

-- A withdrawal under way is waited for, so that no code comes of the consent that was.
-- name: get_consent
select scope, scope_at_resources from authorize.consents where tenant_id = $1 and user_id = $2 and client_id = $3 for share;

-- What was allowed before stays allowed. No row when the user is gone; one who is going is waited for.
-- name: insert_consent
insert into authorize.consents (tenant_id, user_id, client_id, scope, scope_at_resources, given_at)
select tenant_id, user_id, $3, $4, $5, $6 from authorize.users
 where tenant_id = $1 and user_id = $2 and disabled_at is null
   for key share
    on conflict (tenant_id, user_id, client_id) do update
   set scope = array(select distinct unnest(authorize.consents.scope || excluded.scope) order by 1),
       scope_at_resources = array(
           select distinct unnest(authorize.consents.scope_at_resources || excluded.scope_at_resources) order by 1
       ),
       given_at = excluded.given_at
returning client_id;

-- name: delete_consent
delete from authorize.consents where tenant_id = $1 and user_id = $2 and client_id = $3 returning client_id;

-- For the export: mails that are not forgotten yet.
-- name: list_mails
select purpose, email, created_at, sent_at from authorize.mails
 where tenant_id = $1 and user_id = $2
 order by created_at;
