-- Users, credentials and sessions. Row-level security holds every statement to the tenant that its
-- transaction has set; each says so itself as well.

-- The logo that the tenant shows now, by the hash of its content.
-- name: get_logo
select media_type, content from admin.logos where tenant_id = $1 and logo = $2;

-- name: get_app_names
select array[name, slug] from admin.tenants where tenant_id = $1;

-- name: get_export_terms
select slug, session_idle_ttl_s from admin.tenants where tenant_id = $1;

-- name: void_grants
update authorize.users set grants_valid_from = $3, updated_at = $3 where tenant_id = $1 and user_id = $2
returning user_id;

-- name: get_credentials
select u.user_id, c.password_hash, greatest(u.grants_valid_from, u.devices_valid_from) as devices_valid_from,
       u.disabled_at, u.email, u.email_verified
  from authorize.users u join authorize.credentials c using (tenant_id, user_id)
 where u.tenant_id = $1 and u.email_key = $2;

-- No row when the address is taken: one statement, so two at once cannot both have it.
-- name: insert_user
insert into authorize.users
    (tenant_id, email, email_key, email_verified, name, grants_valid_from, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $6, $6)
on conflict (tenant_id, email_key) do nothing
returning user_id;

-- name: insert_credentials
insert into authorize.credentials (tenant_id, user_id, password_hash, updated_at) values ($1, $2, $3, $4);

-- Only while it is still the hash that was verified: a password changed meanwhile stays changed.
-- name: update_password_hash
update authorize.credentials
   set password_hash = $4, updated_at = $5
 where tenant_id = $1 and user_id = $2 and password_hash = $3;

-- Still the password that was verified, and until the transaction ends no other: a reset or a change under way
-- is waited for. The user before the credentials, as everybody who locks both.
-- name: lock_password
select u.user_id
  from authorize.users u join authorize.credentials c using (tenant_id, user_id)
 where u.tenant_id = $1 and u.user_id = $2 and u.disabled_at is null and c.password_hash = $3
   for share of u for update of c;

-- name: is_user
select exists (select from authorize.users where tenant_id = $1 and user_id = $2);

-- What was granted before is void, whatever becomes of the account later.
-- name: disable_user
update authorize.users
   set disabled_at = $3, grants_valid_from = $3, updated_at = $3
 where tenant_id = $1 and user_id = $2 and disabled_at is null
returning user_id;

-- name: enable_user
update authorize.users
   set disabled_at = null, updated_at = $3
 where tenant_id = $1 and user_id = $2 and disabled_at is not null
returning user_id;

-- The lock waits for a disabling under way, and then finds no user.
-- name: insert_session
insert into authorize.sessions
    (tenant_id, token_hash, user_id, auth_time, last_seen_at, expires_at, created_at, user_agent, address)
select tenant_id, $3, user_id, $4, $4, $5, $4, $6, $7
  from authorize.users
 where tenant_id = $1 and user_id = $2 and disabled_at is null
   for share
returning session_id;

-- Alive: not ended, within its absolute and idle limits, of a user who may still use it.
-- $3 now, $4 the earliest last_seen_at that is not idle
-- The same user signs in again in the same browser: the session goes on under another token, so
-- that what other apps hold of it lives on, and what a thief holds does not.
-- name: renew_session
update authorize.sessions s
   set token_hash = $4, auth_time = $5, last_seen_at = $5, expires_at = $6, user_agent = $8, address = $9
  from authorize.users u
 where s.tenant_id = $1 and s.user_id = $2 and s.token_hash = $3
   and s.ended_at is null and s.expires_at > $5 and s.last_seen_at > $7
   and u.tenant_id = s.tenant_id and u.user_id = s.user_id
   and u.disabled_at is null and s.auth_time >= u.grants_valid_from
returning s.session_id;

-- name: get_session
select s.session_id, s.user_id, s.auth_time, s.last_seen_at, u.email, u.name
  from authorize.sessions s join authorize.users u using (tenant_id, user_id)
 where s.tenant_id = $1 and s.token_hash = $2
   and s.ended_at is null and s.expires_at > $3 and s.last_seen_at > $4
   and u.disabled_at is null and s.auth_time >= u.grants_valid_from;

-- name: touch_session
update authorize.sessions set last_seen_at = $3 where tenant_id = $1 and session_id = $2 and last_seen_at < $3;

-- Only one that is alive: what has lapsed does not end a second time.
-- name: end_session
update authorize.sessions
   set ended_at = $3
 where tenant_id = $1 and token_hash = $2
   and ended_at is null and expires_at > $3 and last_seen_at > $4
returning session_id, user_id;

-- name: end_sessions_of_user
update authorize.sessions set ended_at = $3 where tenant_id = $1 and user_id = $2 and ended_at is null;

-- Lapsed for a day, or ended a year ago (migrations/0006_forgotten_sessions.sql).
-- name: delete_forgotten_sessions
select authorize.delete_forgotten_sessions($1);

-- Retired keys too: a token may be old and still tell whom it was about. Not one that leaked.
-- name: list_public_keys
select kid, alg, public_jwk from jwks.signing_keys where tenant_id = $1 and withdrawn_at is null;

-- name: verify_email
update authorize.users
   set email_verified = true, updated_at = $4
 where tenant_id = $1 and user_id = $2 and email = $3 and not email_verified
returning user_id;

-- name: lock_user
select user_id from authorize.users where tenant_id = $1 and user_id = $2 for update;

-- A new password by a link: whoever reads the mail has the address, and all that was granted before is void.
-- name: reset_password
with changed as (
    update authorize.credentials
       set password_hash = $3, updated_at = $5
     where tenant_id = $1 and user_id = $2
)
update authorize.users
   set grants_valid_from = $5, email_verified = email_verified or email = $4, updated_at = $5
 where tenant_id = $1 and user_id = $2;
