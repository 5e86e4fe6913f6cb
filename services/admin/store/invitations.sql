-- Invitations to become a member. Of one only its token's hash is here, of a mailed one not even that.

-- Open ones, newest first. $2 the time, $3 the invitation to go on after, or null.
-- name: list_invitations
select i.invitation_id, i.email, i.role, i.created_at, i.expires_at, i.mail_language, i.mail_sent_at, i.mail_refused_at,
       d.email as invited_by, not admin.has_inviter(i.tenant_id, i.invited_by, i.vouched, i.role) as is_void
  from admin.invitations i
  left join admin.developers d on d.developer_id = i.invited_by
 where i.tenant_id = $1 and i.ended_at is null and i.expires_at > $2
   and ($3::uuid is null or i.invitation_id < $3)
 order by i.invitation_id desc
 limit $4;

-- One that is open, void or not: $3 the time.
-- name: get_invitation
select i.invitation_id, i.email, i.role, i.created_at, i.expires_at, i.mail_language, i.mail_sent_at, i.mail_refused_at,
       d.email as invited_by, not admin.has_inviter(i.tenant_id, i.invited_by, i.vouched, i.role) as is_void
  from admin.invitations i
  left join admin.developers d on d.developer_id = i.invited_by
 where i.tenant_id = $1 and i.invitation_id = $2 and i.ended_at is null and i.expires_at > $3;

-- name: count_open_invitations
select count(*) from admin.invitations where tenant_id = $1 and ended_at is null and expires_at > $2;

-- What an earlier invitation of this address was; the new one takes its place.
-- name: end_invitation_of
update admin.invitations set ended_at = $3 where tenant_id = $1 and email_key = $2 and ended_at is null;

-- No row when another one for this address was faster. $2 of the link that is shown, or $9 the language of the mail.
-- name: insert_invitation
insert into admin.invitations (
    tenant_id, token_hash, email, email_key, role, vouched, created_at, expires_at, mail_language, invited_by
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (tenant_id, email_key) where ended_at is null do nothing
returning invitation_id;

-- name: revoke_invitation
update admin.invitations
   set ended_at = $3
 where tenant_id = $1 and invitation_id = $2 and ended_at is null and expires_at > $3
returning invitation_id;

-- By the token of the link that was shown ($2), or by what the link of the mail names ($3). $4 the time.
-- name: find_invitation
select invitation_id, email, email_key, role, vouched, token_hash is null as is_mailed,
       ended_at is not null or expires_at <= $4
       or not admin.has_inviter(tenant_id, invited_by, vouched, role) as is_over
  from admin.invitations
 where tenant_id = $1 and (token_hash = $2 or token_hash is null and invitation_id = $3);

-- The inviter's account and role stay as they are until the transaction ends: whoever is taking the role away
-- is waited for, and whoever comes after waits.
-- name: lock_inviter
with inviter as materialized (
    select d.developer_id
      from admin.invitations i
      join admin.developers d on d.developer_id = i.invited_by
     where i.tenant_id = $1 and i.invitation_id = $2
       for share of d
)
select m.role
  from admin.members m
  join inviter using (developer_id)
 where m.tenant_id = $1
   for share of m;

-- The single use: one row for whoever is first, however many try. After `lock_inviter`.
-- name: take_invitation
update admin.invitations
   set ended_at = $3, taken_by = $4
 where tenant_id = $1 and invitation_id = $2 and ended_at is null and expires_at > $3
   and admin.has_inviter(tenant_id, invited_by, vouched, role)
returning invitation_id;

-- One process sends a mail at a time: $3 the time, $4 a claim older than this is nobody's.
-- name: claim_mail
update admin.invitations i
   set mail_claimed_at = $3
  from admin.tenants t
 where i.tenant_id = $1 and i.invitation_id = $2 and i.mail_language is not null and i.ended_at is null
   and i.expires_at > $3 and i.mail_sent_at is null and i.mail_refused_at is null
   and (i.mail_claimed_at is null or i.mail_claimed_at < $4)
   and t.tenant_id = i.tenant_id and admin.has_inviter(i.tenant_id, i.invited_by, i.vouched, i.role)
returning i.email, i.role, i.mail_language as language, i.created_at, t.slug, t.name,
          (select d.email from admin.developers d where d.developer_id = i.invited_by and d.email_verified)
              as invited_by;

-- name: is_mail_waiting
select exists (
    select from admin.invitations
     where tenant_id = $1 and invitation_id = $2 and mail_language is not null and ended_at is null
       and expires_at > $3 and mail_sent_at is null and mail_refused_at is null
       and admin.has_inviter(tenant_id, invited_by, vouched, role));

-- name: release_mail
update admin.invitations set mail_claimed_at = null where tenant_id = $1 and invitation_id = $2;

-- name: set_mail_sent
update admin.invitations set mail_sent_at = $3 where tenant_id = $1 and invitation_id = $2;

-- name: set_mail_refused
update admin.invitations set mail_refused_at = $3 where tenant_id = $1 and invitation_id = $2;
