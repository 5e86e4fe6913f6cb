-- Idempotency keys (idempotency.py). A request that carries one writes it in its own transaction, so
-- another with the same key waits here for how the first one ends.

-- name: claim_key
insert into admin.idempotency_keys (actor, key_hash, request_hash, created_at)
values ($1, $2, $3, $4)
    on conflict do nothing
returning created_at;

-- name: get_kept
select request_hash, sealed_answer from admin.idempotency_keys where actor = $1 and key_hash = $2;

-- name: keep_answer
update admin.idempotency_keys set sealed_answer = $3 where actor = $1 and key_hash = $2;

-- $1 what is older is forgotten; a bounded number at a time.
-- name: forget_keys
delete from admin.idempotency_keys
 where (actor, key_hash) in (
    select actor, key_hash from admin.idempotency_keys
     where created_at < $1 order by created_at limit 100 for update skip locked);
