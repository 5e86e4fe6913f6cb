-- The audit log: every event once, whatever delivers it again.

-- It takes the tenant's next position, and holds the row that counts them until the transaction ends. With it, the
-- day's count of what the activity pictures show.
-- name: insert_entry
with place as (
    insert into admin.feeds as f (tenant_id, last)
    values ($1, 1)
        on conflict (tenant_id) do update set last = f.last + 1
    returning last
), recorded as (
    insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data, position)
    select $1, $2, $3, $4, $5, $6, $7, last from place
        on conflict do nothing
    returning occurred_at, type
)
insert into admin.activity as counted (tenant_id, day, kind, times)
select $1, date_trunc('day', occurred_at, 'UTC'),
       case type when 'user.registered' then 'sign_up' else 'sign_in' end, 1
  from recorded
 where type in ('user.registered', 'session.started', 'session.renewed')
    on conflict (tenant_id, day, kind) do update set times = counted.times + 1;

-- Newest first. ($2, $3) the entry to go on after; the rest are filters; null is no limit. $5 an actor, their
-- API tokens too (developer:…/token:…); $7 and $8 since and until when.
-- name: list_entries
select event_id, occurred_at, source, type, subject, data
  from admin.audit_log
 where tenant_id = $1
   and ($2::timestamptz is null or (occurred_at, event_id) < ($2, $3::uuid))
   and ($4::text is null or type = $4)
   and ($5::text is null or data ? 'actor')  -- as the index has it (migrations/0030_audit_by_type.sql)
   and ($5::text is null or data ->> 'actor' = $5 or split_part(data ->> 'actor', '/', 1) = $5)
   and ($6::text is null or subject = $6)
   and ($7::timestamptz is null or occurred_at >= $7)
   and ($8::timestamptz is null or occurred_at < $8)
 order by occurred_at desc, event_id desc
 limit $9;

-- After position $2, in their order.
-- name: list_feed
select position, event_id, occurred_at, source, type, subject, data
  from admin.audit_log
 where tenant_id = $1 and position > $2
 order by position
 limit $3;

-- name: delete_old_entries
select admin.delete_old_audit_entries($1, $2);
