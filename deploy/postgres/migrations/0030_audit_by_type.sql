-- What happened seldom, however long the log: entries of one type, and those that somebody made.
create index audit_log_by_type on admin.audit_log (tenant_id, type, occurred_at desc, event_id desc);
create index audit_log_with_actor on admin.audit_log (tenant_id, occurred_at desc, event_id desc)
    where data ? 'actor';
