-- What the dashboard shows of users. Owned and written by authorize; the grant names these columns.

-- Newest first: a user_id is a UUIDv7. $2 the user to go on after, or null.
-- name: list_users
select user_id, email, email_verified, name, disabled_at, created_at
  from authorize.users
 where tenant_id = $1
   and ($2::uuid is null or user_id < $2)
 order by user_id desc
 limit $3;

-- The same, by a part of the email or name in lower case (migrations/0022_find_users.sql).
-- name: find_users
select user_id, email, email_verified, name, disabled_at, created_at from authorize.find_users($1, $2, $3);

-- name: get_user
select user_id, email, email_verified, name, disabled_at, created_at
  from authorize.users
 where tenant_id = $1 and user_id = $2;
