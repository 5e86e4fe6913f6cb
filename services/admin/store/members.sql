-- Members of an app, and invitations to become one. Of an invitation only its token's hash is here.

-- $2 the developer to go on after, or null.
-- name: list_members
select m.developer_id, d.email, m.role, m.created_at
  from admin.members m
  join admin.developers d using (developer_id)
 where m.tenant_id = $1 and ($2::uuid is null or m.developer_id > $2)
 order by m.developer_id
 limit $3;

-- name: get_member
select m.developer_id, d.email, m.role, m.created_at
  from admin.members m
  join admin.developers d using (developer_id)
 where m.tenant_id = $1 and m.developer_id = $2;

-- name: is_member
select exists (
    select from admin.members m join admin.developers d using (developer_id)
     where m.tenant_id = $1 and d.email_key = $2);

-- All of them, in one order: who changes an owner waits for whoever is changing one.
-- name: lock_owners
select developer_id
  from admin.members
 where tenant_id = $1 and role = 'owner'
 order by developer_id
   for update;

-- name: update_role
update admin.members set role = $3 where tenant_id = $1 and developer_id = $2;

-- name: delete_member
delete from admin.members where tenant_id = $1 and developer_id = $2;

-- An invitation never changes the role of who is a member already.
-- name: join_members
insert into admin.members (tenant_id, developer_id, role, created_at)
values ($1, $2, $3, $4)
    on conflict do nothing
returning developer_id;

-- Open ones, newest first. $2 the time, $3 the invitation to go on after, or null.
-- name: list_invitations
select invitation_id, email, role, created_at, expires_at
  from admin.invitations
 where tenant_id = $1 and ended_at is null and expires_at > $2
   and ($3::uuid is null or invitation_id < $3)
 order by invitation_id desc
 limit $4;

-- name: count_open_invitations
select count(*) from admin.invitations where tenant_id = $1 and ended_at is null and expires_at > $2;

-- What an earlier invitation of this address was; the new one takes its place.
-- name: end_invitation_of
update admin.invitations set ended_at = $3 where tenant_id = $1 and email_key = $2 and ended_at is null;

-- No row when another one for this address was faster.
-- name: insert_invitation
insert into admin.invitations (
    tenant_id, token_hash, email, email_key, role, vouched, created_at, expires_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (tenant_id, email_key) where ended_at is null do nothing
returning invitation_id;

-- name: revoke_invitation
update admin.invitations
   set ended_at = $3
 where tenant_id = $1 and invitation_id = $2 and ended_at is null and expires_at > $3
returning invitation_id;

-- $3 the time.
-- name: find_invitation
select invitation_id, email, email_key, role, vouched, ended_at is not null or expires_at <= $3 as is_over
  from admin.invitations
 where tenant_id = $1 and token_hash = $2;

-- The single use: one row for whoever is first, however many try.
-- name: take_invitation
update admin.invitations
   set ended_at = $3, taken_by = $4
 where tenant_id = $1 and invitation_id = $2 and ended_at is null and expires_at > $3
returning invitation_id;
