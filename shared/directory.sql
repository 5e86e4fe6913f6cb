-- What every service reads of tenants and clients. Owned and written by admin. The functions set the
-- tenant and answer in one round trip (migrations/0008_reads_at_once.sql).

-- name: get_tenant_by_slug
select tenant_id, slug, name, issuer, signing_alg, sign_up_enabled, verified_email_required, code_ttl_s,
       access_token_ttl_s, id_token_ttl_s, refresh_idle_ttl_s, refresh_absolute_ttl_s, session_idle_ttl_s,
       session_absolute_ttl_s, accent, logo, disabled_at
  from admin.tenants
 where slug = $1;

-- name: get_client
select tenant_id, client_id, name, client_type, is_confidential, redirect_uris, post_logout_redirect_uris,
       frontend_origins, resources, grant_types, allowed_scope, pkce_required, refresh_by_default,
       refresh_grace_s, id_token_on_refresh, is_third_party, disabled_at
  from admin.find_client($1, $2);

-- name: list_frontend_origins
select origin from admin.list_frontend_origins($1) as origin;
