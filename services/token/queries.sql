-- The token service's statements. The hot path's are functions, because each sets the tenant and
-- decides, or reads, in one round trip. Their present forms are in deploy/postgres/migrations: 0002_token_decisions.sql,
-- 0008_reads_at_once.sql, 0009_rotate_family.sql, 0026_codes_at_once.sql, 0037_decided_together.sql and
-- 0039_traces_of_revocations.sql.

-- Single use: the family's id is derived from the code, so a second insert collides and revokes.
-- name: redeem_code
select outcome, email, email_verified, name, updated_at
  from token.redeem_code($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: rotate_family
select outcome, generation, user_id, scope, audience, auth_time, email, email_verified, name, updated_at
  from token.rotate_family($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- Several of each at once, the common case alone: who is left out is to ask by itself (docs/adr/0029).
-- name: redeem_codes
select place, email, email_verified, name, updated_at
  from token.redeem_codes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: rotate_families
select place, user_id, scope, audience, auth_time, email, email_verified, name, updated_at
  from token.rotate_families($1, $2, $3, $4, $5, $6);

-- name: revoke_family
select token.revoke_family($1, $2, $3, $4, $5);

-- name: get_live_grant
select client_id, user_id, scope, email, email_verified, name, updated_at, generation, rotated_at, refreshable,
       idle_expires_at, absolute_expires_at, audience, auth_time
  from token.get_live_grant($1, $2, $3);

-- Families that end when their user signs out of the SSO session (no offline_access, OIDC Core §11). By id, as
-- whatever takes several.
-- name: list_families_of_session
select family_id
  from token.families
 where tenant_id = $1 and session_id = $2 and revoked_at is null and not offline
 order by family_id;

-- Of a tenant that moved in from another installation: what its refresh tokens of there verify with.
-- name: list_moved_in_keys
select key_id, sealed_key, sealed_under
  from token.moved_in_keys
 where tenant_id = $1 and expires_at > $2;

-- name: delete_expired_families
select token.delete_expired_families($1);

-- With the secrets that it may authenticate with; whether they have expired is seen when they are used.
-- name: get_client
select c.name, c.client_type, c.is_confidential, c.redirect_uris, c.post_logout_redirect_uris, c.frontend_origins,
       c.resources, c.grant_types, c.allowed_scope, c.pkce_required, c.refresh_by_default, c.refresh_grace_s,
       c.id_token_on_refresh, c.is_third_party, c.disabled_at, s.secret_hashes, s.expiries
  from admin.find_client($1, $2) c
 cross join lateral (
        select coalesce(array_agg(secret_hash), '{}') as secret_hashes, array_agg(expires_at) as expiries
          from admin.list_client_secrets($1, $2)) s;

-- name: get_active_signing_key
select kid, alg, sealed_private_key, kek_id from jwks.find_active_key($1, $2);

-- name: list_public_keys
select public_jwk from jwks.list_public_keys($1) as public_jwk;
