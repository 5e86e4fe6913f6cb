-- What happened to one user, client or key, however long the log.
create index audit_log_by_subject on admin.audit_log (tenant_id, subject, occurred_at desc, event_id desc);
