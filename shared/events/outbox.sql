-- The outbox. Row-level security shows each service only the events that it wrote itself.

-- name: insert_event
insert into events.outbox (tenant_id, type, subject, data, occurred_at, traceparent)
values ($1, $2, $3, $4, $5, $6);

-- One relay a source at a time. Events leave in the order of their positions: for one entity that is
-- the order of its changes, because each locks the entity's row before it writes its event.
-- name: lock_relay
select pg_try_advisory_xact_lock(hashtextextended('mtas outbox ' || current_user, 0));

-- name: list_events
select position, event_id, tenant_id, type, subject, data, occurred_at, traceparent
  from events.outbox
 where parked_at is null
 order by position
 limit $1;

-- name: delete_events
delete from events.outbox where position = any($1::bigint[]);

-- name: park_events
update events.outbox set parked_at = now() where position = any($1::bigint[]);
