-- Clients (RFC 6749 §2) and their secrets. Of a secret only the hash is ever here.

-- name: get_client
select tenant_id, client_id, name, client_type, is_confidential, redirect_uris, post_logout_redirect_uris,
       frontend_origins, resources, grant_types, allowed_scope, pkce_required, refresh_by_default,
       refresh_grace_s, id_token_on_refresh, is_third_party, disabled_at, created_at, updated_at
  from admin.clients
 where tenant_id = $1 and client_id = $2;

-- name: lock_client
select tenant_id, client_id, name, client_type, is_confidential, redirect_uris, post_logout_redirect_uris,
       frontend_origins, resources, grant_types, allowed_scope, pkce_required, refresh_by_default,
       refresh_grace_s, id_token_on_refresh, is_third_party, disabled_at, created_at, updated_at
  from admin.clients
 where tenant_id = $1 and client_id = $2
   for update;

-- name: list_clients
select tenant_id, client_id, name, client_type, is_confidential, redirect_uris, post_logout_redirect_uris,
       frontend_origins, resources, grant_types, allowed_scope, pkce_required, refresh_by_default,
       refresh_grace_s, id_token_on_refresh, is_third_party, disabled_at, created_at, updated_at
  from admin.clients
 where tenant_id = $1 and ($2::text is null or client_id > $2)
 order by client_id
 limit $3;

-- name: insert_client
insert into admin.clients (
    tenant_id, client_id, name, client_type, is_confidential, redirect_uris, post_logout_redirect_uris,
    frontend_origins, resources, grant_types, allowed_scope, pkce_required, refresh_by_default,
    refresh_grace_s, id_token_on_refresh, is_third_party, created_at, updated_at
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
    on conflict do nothing
returning client_id;

-- name: update_client
update admin.clients
   set name = $3, redirect_uris = $4, post_logout_redirect_uris = $5, frontend_origins = $6, resources = $7,
       allowed_scope = $8, pkce_required = $9, refresh_by_default = $10, refresh_grace_s = $11,
       id_token_on_refresh = $12, is_third_party = $13, disabled_at = $14, updated_at = $15
 where tenant_id = $1 and client_id = $2;

-- Secrets that work at $3, the newest first.
-- name: list_live_secrets
select secret_id, created_at, expires_at, last_used_at
  from admin.client_secrets
 where tenant_id = $1 and client_id = $2 and (expires_at is null or expires_at > $3)
 order by expires_at desc nulls first, secret_id desc;

-- name: insert_secret
insert into admin.client_secrets (tenant_id, client_id, secret_hash, created_at)
values ($1, $2, $3, $4);

-- The current secret lives on until $3.
-- name: expire_current_secrets
update admin.client_secrets
   set expires_at = $3
 where tenant_id = $1 and client_id = $2 and expires_at is null;

-- What an earlier rotation left behind, whether it has expired yet or not.
-- name: delete_former_secrets
delete from admin.client_secrets
 where tenant_id = $1 and client_id = $2 and expires_at is not null;
