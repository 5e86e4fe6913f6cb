-- Notices of a new dashboard password that are to be mailed. No tenant is involved.

-- Of two resets, one after the other, the later is told.
-- name: put_notice
insert into admin.password_notices (developer_id, mail_language, reset_at)
values ($1, $2, $3)
    on conflict (developer_id) do update
   set notice_id = uuidv7(), mail_language = excluded.mail_language, reset_at = excluded.reset_at, mail_claimed_at = null;

-- One process sends it at a time: $2 the time, $3 a claim older than this is nobody's.
-- name: claim_notice
update admin.password_notices n
   set mail_claimed_at = $2
  from admin.developers d
 where n.developer_id = $1 and d.developer_id = n.developer_id
   and (n.mail_claimed_at is null or n.mail_claimed_at < $3)
returning n.notice_id, d.email, n.mail_language as language, n.reset_at;

-- name: is_notice_waiting
select exists (select from admin.password_notices where developer_id = $1);

-- name: release_notice
update admin.password_notices set mail_claimed_at = null where notice_id = $1;

-- name: delete_notice
delete from admin.password_notices where notice_id = $1;
