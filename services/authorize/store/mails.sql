-- Mails. A row is sent by one process at a time: $3 now, $4 a claim older than this is nobody's.
-- name: insert_mail
insert into authorize.mails
    (tenant_id, purpose, email, user_id, locale, interaction_id, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning mail_id;

-- name: claim_mail
update authorize.mails
   set claimed_at = $3
 where tenant_id = $1 and mail_id = $2 and sent_at is null and (claimed_at is null or claimed_at < $4)
returning purpose, email, user_id, locale, created_at, expires_at;

-- name: is_mail_waiting
select exists (select from authorize.mails where tenant_id = $1 and mail_id = $2 and sent_at is null);

-- Whose address it is, now. A mail to confirm one is only for whom there is something to confirm.
-- From here on it is to the account's own address, a second try too: what was typed may be another mailbox
-- under the same key (ß and ss).
-- name: address_mail
update authorize.mails m
   set user_id = u.user_id, email = u.email
  from authorize.users u
 where m.tenant_id = $1 and m.mail_id = $2
   and u.tenant_id = m.tenant_id and u.email_key = $3 and u.disabled_at is null
   and not ($4 and u.email_verified)
returning m.purpose, u.email, m.user_id, m.locale, m.created_at, m.expires_at;

-- name: set_mail_sent
update authorize.mails set sent_at = $3 where tenant_id = $1 and mail_id = $2;

-- name: release_mail
update authorize.mails set claimed_at = null where tenant_id = $1 and mail_id = $2;

-- name: get_slug
select slug from admin.tenants where tenant_id = $1;

-- A link works once, in time, while its user may use it: one statement, so of two at once one finds a row.
-- name: use_link
update authorize.mails m
   set used_at = $4
  from authorize.users u
 where m.tenant_id = $1 and m.mail_id = $2 and m.purpose = $3 and m.used_at is null and m.expires_at > $4
   and u.tenant_id = m.tenant_id and u.user_id = m.user_id and u.disabled_at is null
returning m.user_id, m.email, m.interaction_id, m.locale, u.email as present_email;

-- The same without using it, for the page that asks.
-- name: get_link
select m.user_id, m.email, m.interaction_id, m.locale, u.email as present_email
  from authorize.mails m join authorize.users u using (tenant_id, user_id)
 where m.tenant_id = $1 and m.mail_id = $2 and m.purpose = $3 and m.used_at is null and m.expires_at > $4
   and u.disabled_at is null;

-- What was sent before is void: after a new password or address, a link in an old mail does nothing.
-- name: void_links
update authorize.mails
   set used_at = $3
 where tenant_id = $1 and user_id = $2 and used_at is null
   and purpose in ('verify_email', 'reset_password', 'change_email');

-- Whoever asked for another address may be who is put out.
-- name: void_email_changes
update authorize.mails
   set used_at = $3
 where tenant_id = $1 and user_id = $2 and used_at is null and purpose = 'change_email';

-- name: delete_forgotten_mails
select authorize.delete_forgotten_mails($1);
