-- How often, by the hour (migrations/0012_observations.sql).

-- By day from $2 on, in UTC.
-- name: list_days
select date_trunc('day', hour, 'UTC') as day, kind, sum(times)::bigint as times
  from admin.activity
 where tenant_id = $1 and hour >= $2
 group by 1, 2;
