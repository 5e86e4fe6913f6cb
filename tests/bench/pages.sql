-- What `tests.bench.pages` measures with. Each statement is followed by a blank line.

insert into admin.tenants (slug, name, issuer, signing_alg, created_at, updated_at)
select 'page-' || to_char(n, 'FM0000'), 'App ' || n, :origin::text || '/t/page-' || to_char(n, 'FM0000'), 'ES256', now(), now()
  from generate_series(2, :apps::integer) n;

insert into admin.members (tenant_id, developer_id, role, created_at)
select t.tenant_id, d.developer_id, 'owner', now()
  from admin.tenants t, admin.developers d
 where d.email = :email::text
    on conflict do nothing;

insert into admin.clients (tenant_id, client_id, name, client_type, is_confidential, redirect_uris, grant_types, allowed_scope,
                           created_at, updated_at)
select t.tenant_id, t.slug || '-' || n, 'Client ' || n, 'web', true, '{https://app.example/callback}',
       '{authorization_code,refresh_token}', '{openid,email,profile,offline_access}', now(), now()
  from admin.tenants t, generate_series(1, 20) n
 where t.slug = :slug::text or n = 1;

insert into authorize.users (tenant_id, email, email_key, email_verified, name, grants_valid_from, created_at, updated_at)
select t.tenant_id, 'user-' || n || '@example.com', 'user-' || n || '@example.com', n % 3 = 0,
       (array['Ada Lovelace', 'Grace Hopper', 'Alan Turing', 'Mary Somerville'])[1 + n % 4], now(), now(), now()
  from admin.tenants t, generate_series(1, :users::integer) n
 where t.slug = :slug::text;

with known as materialized (
    select u.tenant_id, u.user_id::text, row_number() over (order by u.user_id) as number
      from admin.tenants t join authorize.users u using (tenant_id)
     where t.slug = :slug::text
)
insert into admin.audit_log (tenant_id, event_id, occurred_at, source, type, subject, data)
select k.tenant_id, uuidv7(), now() - n * interval '3 seconds', 'mtas/authorize',
       (array['session.started', 'session.ended', 'mail.requested', 'user.registered', 'family.revoked'])[1 + n % 5],
       k.user_id, jsonb_build_object('user_id', k.user_id, 'amr', array['pwd'])
  from generate_series(1, :entries::integer) n
  join known k on k.number = 1 + n % (select count(*) from known);

insert into admin.activity (tenant_id, day, kind, times)
select t.tenant_id, date_trunc('day', now(), 'UTC') - n * interval '1 day', kind, 1000 + n
  from admin.tenants t, generate_series(0, 80) n, unnest(array['sign_in', 'sign_up', 'granted', 'failed', 'refused']) kind
 where t.slug = :slug::text
    on conflict do nothing;
