-- How often, by the day in UTC (migrations/0019_activity_by_day.sql).

-- From $2 on.
-- name: list_days
select date_trunc('day', day, 'UTC') as day, kind, sum(times)::bigint as times
  from admin.activity
 where tenant_id = $1 and day >= $2
 group by 1, 2;
