-- Links to a new dashboard password. Of one only its token's hash is here. No tenant is involved.

-- In place of what was asked for before with this address. $2 the token of a link that is shown, or $3 the language of
-- a mail, whose token is made when it is sent.
-- name: put_password_link
insert into admin.password_links (email_key, token_hash, mail_language, created_at, expires_at)
values ($1, $2, $3, $4, $5)
    on conflict (email_key) do update
   set link_id = uuidv7(), token_hash = excluded.token_hash, mail_language = excluded.mail_language,
       created_at = excluded.created_at, expires_at = excluded.expires_at,
       mail_claimed_at = null, mail_sent_at = null, used_at = null
returning link_id;

-- Whose address it is, if anybody's, and its link's token ($2). One process sends a mail at a time: $3 the time, $4 a
-- claim older than this is nobody's.
-- name: claim_mail
update admin.password_links l
   set mail_claimed_at = $3, token_hash = $2
  from admin.developers d
 where l.link_id = $1 and l.mail_language is not null and l.used_at is null and l.expires_at > $3
   and l.mail_sent_at is null and (l.mail_claimed_at is null or l.mail_claimed_at < $4)
   and d.email_key = l.email_key and d.disabled_at is null
returning d.email, l.mail_language as language, l.created_at;

-- name: is_mail_waiting
select exists (
    select
      from admin.password_links l
      join admin.developers d using (email_key)
     where l.link_id = $1 and l.mail_language is not null and l.used_at is null and l.expires_at > $2
       and l.mail_sent_at is null and d.disabled_at is null);

-- name: release_mail
update admin.password_links set mail_claimed_at = null where link_id = $1;

-- name: set_mail_sent
update admin.password_links set mail_sent_at = $2 where link_id = $1;

-- Without using it, for the page that asks.
-- name: find_password_link
select d.developer_id, d.email, d.email_verified, l.mail_language is not null as is_mailed
  from admin.password_links l
  join admin.developers d using (email_key)
 where l.token_hash = $1 and l.used_at is null and l.expires_at > $2 and d.disabled_at is null;

-- The single use: one row for whoever is first, however many try.
-- name: use_password_link
update admin.password_links l
   set used_at = $2
  from admin.developers d
 where l.token_hash = $1 and l.used_at is null and l.expires_at > $2
   and d.email_key = l.email_key and d.disabled_at is null
returning d.developer_id, d.email, d.email_verified, l.mail_language is not null as is_mailed;

-- name: delete_old_password_links
delete from admin.password_links where expires_at < $1;
