-- The jwks service's statements.

-- Tenants whose first key is still missing; a function of the scheduler's, because it looks
-- across tenants: deploy/postgres/migrations/0003_scheduler.sql.
-- name: list_tenants_without_key
select tenant_id, signing_alg from jwks.list_tenants_without_key($1);

-- One active key per tenant and algorithm: the unique index decides between two processes.
-- name: insert_active_key
insert into jwks.signing_keys (
    tenant_id, kid, alg, state, public_jwk, sealed_private_key, kek_id, created_at, activates_at
) values ($1, $2, $3, 'active', $4, $5, $6, $7, $7)
on conflict do nothing
returning kid;

-- name: get_active_kid
select kid from jwks.signing_keys where tenant_id = $1 and alg = $2 and state = 'active';

-- Published: from before a key signs until the last token it signed has expired.
-- name: list_public_keys
select public_jwk
  from jwks.signing_keys
 where tenant_id = $1 and state <> 'retired'
 order by activates_at desc;
