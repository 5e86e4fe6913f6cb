-- The audit log: every event once, whatever delivers it again.

-- name: insert_entry
insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)
values ($1, $2, $3, $4, $5, $6, $7)
    on conflict do nothing;

-- Newest first. $2 an event type, or null; ($3, $4) the entry to go on after, or null.
-- name: list_entries
select event_id, occurred_at, source, type, subject, data
  from admin.audit_log
 where tenant_id = $1
   and ($2::text is null or type = $2)
   and ($3::timestamptz is null or (occurred_at, event_id) < ($3, $4::uuid))
 order by occurred_at desc, event_id desc
 limit $5;
