-- What authorize and token have seen of an app: written by their functions (migrations/0012_observations.sql).

-- The newest first; there are only so many kinds a client.
-- name: list_observations
select client_id, kind, detail, times, last_at
  from admin.observations
 where tenant_id = $1 and last_at > $2
 order by last_at desc, client_id, kind
 limit 20;

-- name: get_observation
select client_id, kind, detail, times, last_at
  from admin.observations
 where tenant_id = $1 and client_id = $2 and kind = $3;

-- name: delete_observation
delete from admin.observations where tenant_id = $1 and client_id = $2 and kind = $3;

-- name: last_redeemed_at
select max(last_at) from admin.observations where tenant_id = $1 and kind = 'code_redeemed';
