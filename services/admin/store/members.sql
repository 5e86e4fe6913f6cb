-- Members of an app.

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

-- All of them, in one order: who changes an owner waits for whoever is changing one, or disabling their account.
-- name: lock_owners
select m.developer_id, d.disabled_at is null as is_enabled
  from admin.members m
  join admin.developers d using (developer_id)
 where m.tenant_id = $1 and m.role = 'owner'
 order by m.developer_id
   for update of m for share of d;

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
