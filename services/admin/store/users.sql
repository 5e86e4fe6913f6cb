-- What the dashboard shows of users. Owned and written by authorize; the grant names these columns.

-- Newest first: a user_id is a UUIDv7. $2 a part of the email or name in lower case, or null;
-- $3 the user to go on after, or null.
-- name: list_users
select user_id, email, email_verified, name, disabled_at, created_at
  from authorize.users
 where tenant_id = $1
   and ($2::text is null or position($2 in email_key) > 0 or position($2 in lower(name)) > 0)
   and ($3::uuid is null or user_id < $3)
 order by user_id desc
 limit $4;

-- name: get_user
select user_id, email, email_verified, name, disabled_at, created_at
  from authorize.users
 where tenant_id = $1 and user_id = $2;
