-- Rows of the lengths that real ones have: $2 of each, for tenant $1.

-- name: insert_user
with added as (
    insert into authorize.users (tenant_id, email, email_key, name, grants_valid_from, created_at, updated_at)
    select $1, address, address, 'Ada Lovelace ' || n, now(), now(), now()
      from generate_series(1, $2::int) n, concat('ada.lovelace.', n, '@example.com') address
    returning tenant_id, user_id
)
insert into authorize.credentials (tenant_id, user_id, password_hash, updated_at)
select tenant_id, user_id, rpad('$argon2id$v=19$m=19456,t=2,p=1$', 97, md5(user_id::text)), now()
  from added;

-- name: insert_session
insert into authorize.sessions
       (tenant_id, token_hash, user_id, auth_time, last_seen_at, expires_at, address, user_agent)
select tenant_id, sha256(user_id::text::bytea), user_id, now(), now(), now(), '203.0.113.199',
       'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36'
  from authorize.users
 where tenant_id = $1
 limit $2;

-- A family's id is a hash, so they come in no order.
-- name: insert_family
insert into token.families
       (tenant_id, family_id, client_id, user_id, session_id, scope, audience, auth_time,
        refreshable, offline, rotated_at, idle_expires_at, absolute_expires_at, created_at)
select tenant_id, gen_random_uuid(), 'acme-shop', user_id, session_id, '{openid,email,profile}', 'acme-shop', now(),
       true, false, now(), now(), now(), now()
  from authorize.sessions
 where tenant_id = $1
 limit $2;

-- name: insert_audit_entry
insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)
select tenant_id, uuidv7(), now(), 'mtas/authorize', 'session.started', session_id,
       jsonb_build_object('user_id', user_id, 'amr', array['pwd'])
  from authorize.sessions
 where tenant_id = $1
 limit $2;

-- What a refresh changes.
-- name: rotate
update token.families
   set generation = generation + 1, rotated_at = now(), idle_expires_at = now()
 where tenant_id = $1 and family_id = $2;
