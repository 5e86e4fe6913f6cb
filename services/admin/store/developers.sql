-- Developers and their dashboard sessions. No tenant is involved, so no row-level security.

-- name: has_developers
select exists (select from admin.developers);

-- The first account, once: the unique index on is_first decides between any number at the same time.
-- name: insert_first_developer
insert into admin.developers (
    email, email_key, password_hash, is_operator, is_first, email_verified, created_at
)
select $1, $2, $3, true, true, true, $4
 where not exists (select from admin.developers)
    on conflict do nothing
returning developer_id;

-- Any other account, by invitation. No row when the address has one.
-- name: insert_developer
insert into admin.developers (email, email_key, password_hash, email_verified, created_at)
values ($1, $2, $3, $4, $5)
    on conflict (email_key) do nothing
returning developer_id;

-- name: set_email_verified
update admin.developers set email_verified = true where developer_id = $1 and not email_verified;

-- name: get_credentials
select developer_id, password_hash
  from admin.developers
 where email_key = $1 and disabled_at is null;

-- name: get_developer
select developer_id, email, email_verified
  from admin.developers
 where email_key = $1 and disabled_at is null;

-- name: update_password_hash
update admin.developers set password_hash = $2 where developer_id = $1;

-- Is this still their password? It stays so until the transaction ends, and a reset waits for it.
-- name: lock_credentials
select developer_id
  from admin.developers
 where developer_id = $1 and password_hash = $2 and disabled_at is null
   for no key update;

-- A new password by a link; $3: the link has shown that the address is theirs.
-- name: reset_password
update admin.developers set password_hash = $2, email_verified = email_verified or $3 where developer_id = $1;

-- name: delete_sessions_of
delete from admin.developer_sessions where developer_id = $1;

-- name: insert_session
insert into admin.developer_sessions (token_hash, developer_id, created_at, last_seen_at, expires_at)
values ($1, $2, $3, $3, $4);

-- A live session of a live account. $2 the time, $3 the oldest last_seen_at that still counts.
-- name: get_session
select s.developer_id, d.email, d.is_operator, s.created_at as authenticated_at, s.last_seen_at, s.expires_at
  from admin.developer_sessions s
  join admin.developers d using (developer_id)
 where s.token_hash = $1 and s.expires_at > $2 and s.last_seen_at > $3 and d.disabled_at is null;

-- name: touch_session
update admin.developer_sessions set last_seen_at = greatest(last_seen_at, $2) where token_hash = $1;

-- name: delete_session
delete from admin.developer_sessions where token_hash = $1;

-- name: delete_expired_sessions
delete from admin.developer_sessions where expires_at <= $1;

-- name: list_emails
select developer_id, email from admin.developers where developer_id = any($1::uuid[]);
