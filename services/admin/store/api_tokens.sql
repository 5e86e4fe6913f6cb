-- API tokens of developers. Of a token only the hash is ever here.

-- $3 the tenant that it is limited to, or null.
-- name: insert_api_token
insert into admin.api_tokens (token_hash, developer_id, only_tenant_id, name, scope, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
returning token_id;

-- A token that works at $2, of a live account.
-- name: find_api_token
select k.token_id, k.developer_id, k.only_tenant_id, k.scope, k.last_used_at, d.email, d.is_operator
  from admin.api_tokens k
  join admin.developers d using (developer_id)
 where k.token_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
   and d.disabled_at is null;

-- name: touch_api_token
update admin.api_tokens set last_used_at = greatest(last_used_at, $2) where token_id = $1;

-- Newest first, the expired too: of one developer, or with null of everybody. $2 the token to go on after;
-- $4 the one tenant that they are limited to, or null.
-- name: list_api_tokens
select k.token_id, k.developer_id, d.email, t.slug as app_id, k.name, k.scope, k.created_at, k.expires_at,
       k.last_used_at
  from admin.api_tokens k
  join admin.developers d using (developer_id)
  left join admin.tenants t on t.tenant_id = k.only_tenant_id
 where k.revoked_at is null
   and ($1::uuid is null or k.developer_id = $1)
   and ($2::uuid is null or k.token_id < $2)
   and ($4::uuid is null or k.only_tenant_id = $4)
 order by k.token_id desc
 limit $3;

-- One row for whoever is first. $2 the developer whose it must be, or null; $4 as above.
-- name: revoke_api_token
update admin.api_tokens
   set revoked_at = $3
 where token_id = $1 and revoked_at is null and ($2::uuid is null or developer_id = $2)
   and ($4::uuid is null or only_tenant_id = $4)
returning developer_id, only_tenant_id;

-- All of a developer's.
-- name: revoke_api_tokens_of
update admin.api_tokens
   set revoked_at = $2
 where developer_id = $1 and revoked_at is null
returning token_id, developer_id, only_tenant_id;

-- For the audit log, the revoked too.
-- name: list_api_token_names
select token_id, name from admin.api_tokens where token_id = any($1::uuid[]);
