-- The outbox. Row-level security shows each service only the events that it wrote itself.

-- name: insert_event
insert into events.outbox (tenant_id, type, subject, data, occurred_at)
values ($1, $2, $3, $4, $5);

-- One relay a source at a time, so that its events leave in the order in which they were written.
-- name: lock_relay
select pg_try_advisory_xact_lock(hashtextextended('mtas outbox ' || current_user, 0));

-- name: list_events
select position, event_id, tenant_id, type, subject, data, occurred_at
  from events.outbox
 order by position
 limit $1;

-- name: delete_events
delete from events.outbox where position = any($1::bigint[]);
