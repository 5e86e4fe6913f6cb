-- Tenants (an app is a tenant), their members, and the state of their signing keys.

-- name: get_app
select tenant_id, slug, name, issuer, signing_alg, sign_up_enabled, code_ttl_s, access_token_ttl_s,
       verified_email_required,
       id_token_ttl_s, refresh_idle_ttl_s, refresh_absolute_ttl_s, session_idle_ttl_s,
       session_absolute_ttl_s, accent, logo, disabled_at, created_at, updated_at
  from admin.tenants
 where slug = $1;

-- Against other changes of it. What refers to it may come meanwhile: codes are redeemed.
-- name: lock_app
select tenant_id, slug, name, issuer, signing_alg, sign_up_enabled, code_ttl_s, access_token_ttl_s,
       verified_email_required,
       id_token_ttl_s, refresh_idle_ttl_s, refresh_absolute_ttl_s, session_idle_ttl_s,
       session_absolute_ttl_s, accent, logo, disabled_at, created_at, updated_at
  from admin.tenants
 where tenant_id = $1
   for no key update;

-- Every app, by slug. $1 the only one that may be seen, or null; $2 the slug to start after, or null; $4 a part of its
-- slug or name, or null.
-- name: list_apps
select tenant_id, slug, name, issuer, signing_alg, sign_up_enabled, code_ttl_s, access_token_ttl_s,
       verified_email_required,
       id_token_ttl_s, refresh_idle_ttl_s, refresh_absolute_ttl_s, session_idle_ttl_s,
       session_absolute_ttl_s, accent, logo, disabled_at, created_at, updated_at
  from admin.tenants
 where ($1::uuid is null or tenant_id = $1) and ($2::text is null or slug > $2)
   and ($4::text is null or position(lower($4) in slug || E'\n' || lower(name)) > 0)
 order by slug
 limit $3;

-- The apps of one developer, for whom mtas.developer_id is set. $2, $3 and $5 as above.
-- name: list_apps_of_developer
select t.tenant_id, slug, name, issuer, signing_alg, sign_up_enabled, code_ttl_s, access_token_ttl_s,
       verified_email_required,
       id_token_ttl_s, refresh_idle_ttl_s, refresh_absolute_ttl_s, session_idle_ttl_s,
       session_absolute_ttl_s, accent, logo, disabled_at, t.created_at, updated_at
  from admin.members m
  join admin.tenants t using (tenant_id)
 where m.developer_id = $1 and ($2::uuid is null or t.tenant_id = $2) and ($3::text is null or t.slug > $3)
   and ($5::text is null or position(lower($5) in slug || E'\n' || lower(name)) > 0)
 order by t.slug
 limit $4;

-- name: list_tenants_of_developer
select tenant_id from admin.members where developer_id = $1;

-- The slug is claimed for ever: the unique index decides between any number at the same time.
-- name: insert_app
insert into admin.tenants (
    slug, name, issuer, signing_alg, signing_key_bits, sign_up_enabled, created_at, updated_at
)
values ($1, $2, $3, $4, $5, $6, $7, $7)
    on conflict do nothing
returning tenant_id;

-- name: update_app
update admin.tenants
   set name = $2, sign_up_enabled = $3, code_ttl_s = $4, access_token_ttl_s = $5, id_token_ttl_s = $6,
       refresh_idle_ttl_s = $7, refresh_absolute_ttl_s = $8, session_idle_ttl_s = $9,
       session_absolute_ttl_s = $10, disabled_at = $11, updated_at = $12, accent = $13, logo = $14,
       verified_email_required = $15
 where tenant_id = $1;

-- name: set_developer
select set_config('mtas.developer_id', $1, true);

-- name: set_tenant
select set_config('mtas.tenant_id', $1, true);

-- name: insert_member
insert into admin.members (tenant_id, developer_id, role, created_at)
values ($1, $2, $3, $4);

-- name: get_role
select role from admin.members where tenant_id = $1 and developer_id = $2;

-- name: get_key_state
select kid, alg, state, created_at, activates_at
  from jwks.signing_keys
 where tenant_id = $1 and alg = $2 and state = 'active';

-- The same image again is the same row.
-- name: insert_logo
insert into admin.logos (tenant_id, logo, media_type, content, width, height, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
    on conflict do nothing;

-- name: delete_other_logos
delete from admin.logos where tenant_id = $1 and logo is distinct from $2;

-- The app that was registered last: a tenant_id is a UUIDv7.
-- name: newest_slug
select slug from admin.tenants order by tenant_id desc limit 1;

-- Of one developer, for whom mtas.developer_id is set.
-- name: newest_slug_of_developer
select t.slug
  from admin.members m
  join admin.tenants t using (tenant_id)
 where m.developer_id = $1
 order by m.tenant_id desc
 limit 1;

-- What has really happened of the way from a registered app to one that others can live with.
-- name: get_milestones
select exists (select from admin.observations o
                where o.tenant_id = $1 and o.kind = 'code_redeemed') as signed_in,
       exists (select from admin.client_secrets s
                where s.tenant_id = $1 and s.last_used_at is not null) as secret_used,
       exists (select from admin.clients c
                where c.tenant_id = $1
                  and exists (select from unnest(c.redirect_uris) uri where uri like 'https://%')) as on_https,
       (select count(*) > 1 from admin.members m where m.tenant_id = $1) as has_colleague;
