-- The token service's statements. The hot path's are functions, because each sets the tenant,
-- decides and writes in one round trip: deploy/postgres/migrations/0002_token_decisions.sql.

-- Single use: the family's id is derived from the code, so a second insert collides and revokes.
-- name: redeem_code
select outcome, email, email_verified, name, updated_at
  from token.redeem_code($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: rotate_family
select outcome, generation, user_id, scope, audience, auth_time, email, email_verified, name, updated_at
  from token.rotate_family($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: revoke_family
select token.revoke_family($1, $2, $3, $4, $5);

-- name: get_live_grant
select client_id, user_id, scope, email, email_verified, name, updated_at, generation, rotated_at, refreshable,
       idle_expires_at, absolute_expires_at, audience, auth_time
  from token.get_live_grant($1, $2, $3);

-- Families that end when their user signs out of the SSO session (no offline_access, OIDC Core §11).
-- name: list_families_of_session
select family_id
  from token.families
 where tenant_id = $1 and session_id = $2 and revoked_at is null and not offline;

-- name: delete_expired_families
select token.delete_expired_families($1);

-- Hashes of the secrets a client may authenticate with; expiry is checked when they are used.
-- name: list_client_secrets
select secret_hash, expires_at
  from admin.client_secrets
 where tenant_id = $1 and client_id = $2;

-- The key that signs. After a tenant chose another algorithm that is, until a key for it has been
-- published for long enough, still the one of the former.
-- name: get_active_signing_key
select kid, alg, sealed_private_key, kek_id
  from jwks.signing_keys
 where tenant_id = $1 and state = 'active'
 order by (alg = $2) desc, activates_at desc
 limit 1;

-- name: list_public_keys
select public_jwk
  from jwks.signing_keys
 where tenant_id = $1 and state <> 'retired';
