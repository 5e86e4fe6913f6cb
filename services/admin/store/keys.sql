-- Signing keys as far as their dates go: nothing of a key itself can be read here.

-- name: list_signing_keys
select kid, alg, coalesce(rsa_bits, case alg when 'RS256' then 2048 end) as rsa_bits, is_imported, state,
       created_at, activates_at, activates_by, retires_at, removes_at, withdrawn_at
  from jwks.signing_keys
 where tenant_id = $1
 order by created_at desc, activates_at desc, kid
 limit 100;

-- Of the keys that are published: who has fetched each.
-- name: list_fetches
select kid, client, first_at, last_at
  from jwks.key_fetches
 where tenant_id = $1
 order by kid, client
 limit 500;

-- name: get_key_settings
select signing_alg, signing_key_bits, signing_key_waits as wait_observed
  from admin.tenants
 where tenant_id = $1;

-- name: update_key_settings
update admin.tenants
   set signing_alg = $2, signing_key_bits = $3, signing_key_waits = $4, updated_at = $5
 where tenant_id = $1;
