-- Signing keys as far as their dates go: nothing of a key itself can be read here.

-- name: list_signing_keys
select kid, alg, state, created_at, activates_at, retires_at, removes_at
  from jwks.signing_keys
 where tenant_id = $1
 order by created_at desc, activates_at desc, kid
 limit 100;
