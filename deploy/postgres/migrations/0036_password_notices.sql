-- Whose dashboard password was changed by a link is told so by mail. One row a developer, until it is sent.
create table admin.password_notices (
    developer_id    uuid primary key references admin.developers on delete cascade,
    notice_id       uuid not null default uuidv7(),
    mail_language   text not null,
    reset_at        timestamptz not null,
    mail_claimed_at timestamptz                                  -- one process is sending it
);
