-- As the audit log itself: an event is recorded whatever has become of its tenant here, after a restore say.
alter table admin.feeds drop constraint feeds_tenant_id_fkey;
