-- The outbox. Row-level security shows each service only the events that it wrote itself.

-- name: insert_event
insert into events.outbox (tenant_id, type, subject, data, occurred_at, traceparent)
values ($1, $2, $3, $4, $5, $6);

-- One relay a source at a time. Events leave in the order of their positions: for one entity that is
-- the order of its changes, because each locks the entity's row before it writes its event.
-- name: lock_relay
select pg_try_advisory_xact_lock(hashtextextended('mtas outbox ' || current_user, 0));

-- What was parked has another try now and then: perhaps NATS has been given the right since.
-- name: list_events
select position, event_id, tenant_id, type, subject, data, occurred_at, traceparent, parked_at
  from events.outbox
 where parked_at is null or parked_at < now() - interval '10 minutes'
 order by position
 limit $1;

-- name: delete_events
delete from events.outbox where position = any($1::bigint[]);

-- name: park_event
update events.outbox set parked_at = now(), parked_because = $2 where position = $1;
