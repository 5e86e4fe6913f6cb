-- The jwks service's statements.
--
-- A key goes pending → active → retiring → retired. Each step is one statement, guarded by the state
-- that it leaves; two unique indexes allow one pending and one active key a tenant and algorithm.

-- The two look-ups across tenants are functions of the scheduler's:
-- deploy/postgres/migrations/0003_scheduler.sql, 0005_signing_keys.sql, which also says what fits and what is ready.
-- name: list_tenants_without_key
select tenant_id from jwks.list_tenants_without_key($1);

-- name: list_tenants_with_due_keys
select tenant_id from jwks.list_tenants_with_due_keys($1, $2, $3, $4, $5);

-- One rotator a tenant, until its transaction ends.
-- name: try_lock_rotation
select pg_try_advisory_xact_lock(hashtextextended('mtas rotation ' || $1::uuid, 0));

-- name: lock_rotation
select pg_advisory_xact_lock(hashtextextended('mtas rotation ' || $1::uuid, 0));

-- What the tenant has chosen for its next key.
-- name: get_key_choice
select signing_alg as alg, signing_key_bits as bits, signing_key_waits as waits
  from admin.tenants
 where tenant_id = $1;

-- The key to make now, if any: none signs yet (it will at once); or there is no next one, and the
-- one that signs has done so since $2, or is of another algorithm or size than the tenant's.
-- name: get_wanted_key
select t.signing_alg as alg, t.signing_key_bits as bits, t.signing_key_waits as waits,
       not a.any_signs as signs_at_once
  from admin.tenants t
 cross join lateral (
    select count(*) filter (where state = 'active') > 0 as any_signs,
           count(*) filter (where state = 'active' and fits and activates_at > $2) > 0 as is_young,
           count(*) filter (where state = 'pending' and fits) > 0 as has_next
      from jwks.signing_keys
     cross join lateral jwks.fits(alg, rsa_bits, is_imported, t.signing_alg, t.signing_key_bits) fits
     where tenant_id = $1 and state <> 'retired') a
 where t.tenant_id = $1 and (not a.any_signs or not (a.is_young or a.has_next));

-- The unique indexes decide between two processes.
-- name: insert_key
insert into jwks.signing_keys (
    tenant_id, kid, alg, rsa_bits, is_imported, state, public_jwk, sealed_private_key, kek_id, created_at,
    activates_at, activates_by, longest_ttl_s
)
select tenant_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, greatest(access_token_ttl_s, id_token_ttl_s)
  from admin.tenants
 where tenant_id = $1
on conflict do nothing
returning kid;

-- name: get_pending_key
select kid, alg, rsa_bits, state, activates_at, activates_by from jwks.signing_keys
 where tenant_id = $1 and alg = $2 and state = 'pending';

-- A key remembers the longest life that a token it signed may have.
-- name: raise_longest_ttl
update jwks.signing_keys k
   set longest_ttl_s = greatest(t.access_token_ttl_s, t.id_token_ttl_s)
  from admin.tenants t
 where k.tenant_id = $1 and t.tenant_id = $1 and k.state = 'active'
   and k.longest_ttl_s < greatest(t.access_token_ttl_s, t.id_token_ttl_s);

-- The pending key whose turn it is. Asked once and then named in the two statements that follow: were each to
-- look for itself, a fetch or a choice between them could retire the one key and not activate the other.
-- name: find_ready_key
select k.kid
  from jwks.signing_keys k
  join admin.tenants t using (tenant_id)
 where k.tenant_id = $1 and k.state = 'pending'
   and jwks.fits(k.alg, k.rsa_bits, k.is_imported, t.signing_alg, t.signing_key_bits)
   and jwks.is_ready($1, k.kid, k.created_at, k.activates_at, k.activates_by, $2);

-- active → retiring, when the next key ($4, or null) is ready, or another signs already.
-- Stays published until the last token it signed has expired, and $3 seconds more.
-- name: retire_replaced_keys
update jwks.signing_keys k
   set state = 'retiring', retires_at = $2,
       removes_at = $2::timestamptz + make_interval(secs =>
           greatest(k.longest_ttl_s, t.access_token_ttl_s, t.id_token_ttl_s) + $3::integer)
  from admin.tenants t
 where k.tenant_id = $1 and t.tenant_id = $1 and k.state = 'active'
   and exists (
    select from jwks.signing_keys n
     where n.tenant_id = $1 and n.kid <> k.kid
       and ((n.state = 'active' and n.alg <> k.alg and n.alg = t.signing_alg)
            or (n.state = 'pending' and n.kid = $4)))
returning k.kid;

-- pending → active. It waits no more, and may begin later than it had to: somebody looks every half minute.
-- name: activate_pending_key
update jwks.signing_keys k
   set state = 'active', activates_at = $2, activates_by = null,
       longest_ttl_s = greatest(t.access_token_ttl_s, t.id_token_ttl_s)
  from admin.tenants t
 where k.tenant_id = $1 and t.tenant_id = $1 and k.state = 'pending' and k.kid = $3
returning k.kid, k.alg;

-- pending → retired: the tenant has turned to another algorithm or size before the key ever signed.
-- name: drop_unused_keys
update jwks.signing_keys k
   set state = 'retired', sealed_private_key = null, retires_at = $2, removes_at = $2
  from admin.tenants t
 where k.tenant_id = $1 and t.tenant_id = $1 and k.state = 'pending'
   and not jwks.fits(k.alg, k.rsa_bits, k.is_imported, t.signing_alg, t.signing_key_bits)
returning k.kid, k.alg;

-- pending → retired: an imported key takes its place before it ever signed.
-- name: drop_pending_key
update jwks.signing_keys
   set state = 'retired', sealed_private_key = null, retires_at = $3, removes_at = $3
 where tenant_id = $1 and alg = $2 and state = 'pending'
returning kid, alg;

-- Is it any tenant's key, or was it ever?
-- name: is_known_key
select jwks.is_known_key($1);

-- retiring → retired: nothing that it signed is valid any more. Its private half is destroyed.
-- name: remove_expired_keys
update jwks.signing_keys
   set state = 'retired', sealed_private_key = null
 where tenant_id = $1 and state = 'retiring' and removes_at <= $2
returning kid, alg;

-- Any state → retired, in an emergency: who knows how one key leaked does not know that others did not.
-- name: withdraw_keys
update jwks.signing_keys
   set state = 'retired', sealed_private_key = null, withdrawn_at = $2,
       retires_at = coalesce(retires_at, $2), removes_at = $2
 where tenant_id = $1 and state <> 'retired'
returning kid, alg;

-- name: lock_keys_sealed_otherwise
select kid, sealed_private_key, kek_id
  from jwks.signing_keys
 where tenant_id = $1 and kek_id <> $2 and state <> 'retired'
   for update skip locked;

-- Under another key-encryption key; the sealed key itself stays what it was.
-- name: replace_seal
update jwks.signing_keys
   set sealed_private_key = $4, kek_id = $5
 where tenant_id = $1 and kid = $2 and kek_id = $3 and state <> 'retired'
returning kid;

-- Published: from before a key signs until the last token it signed has expired. First the one that
-- signs, for a verifier that looks no further.
-- name: list_public_keys
select public_jwk from jwks.list_public_keys($1) as public_jwk;

-- name: note_fetches
select jwks.note_fetches($1, $2, $3, $4, $5);

-- Who fetched a key that is gone is of no interest.
-- name: forget_fetches
delete from jwks.key_fetches f
 where f.tenant_id = $1
   and not exists (
    select from jwks.signing_keys k where k.tenant_id = $1 and k.kid = f.kid and k.state <> 'retired');
