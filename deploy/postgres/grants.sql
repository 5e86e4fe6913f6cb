-- What each service may touch, after the migrations. Idempotent: run at every provision.
-- A test reads every table as every role and holds the answer against this page.

-- Two functions are token's own (migrations/0021), so only token says who may call them. We among them, and may say so:
-- who may not is refused, or warned of it at every provision, when everything goes, as is done next.
grant usage on schema token to mtas_token;
set local role mtas_token;
revoke all on function token.list_grants, token.revoke_grants
    from public, mtas_authorize, mtas_jwks, mtas_admin, mtas_scheduler, mtas_mover;
grant execute on function token.list_grants, token.revoke_grants to mtas_authorize;
grant execute on function token.list_grants, token.revoke_grants to session_user with grant option;
reset role;

-- Everything first goes, so that this page is the whole list: what is not granted below, nobody has.
do $$
declare
    everybody constant text := 'public, mtas_authorize, mtas_token, mtas_jwks, mtas_admin, mtas_scheduler, mtas_mover';
    ours constant text := 'mtas, admin, authorize, token, jwks, events';
begin
    execute format('revoke all on all tables in schema %s from %s', ours, everybody);
    execute format('revoke all on all sequences in schema %s from %s', ours, everybody);
    execute format('revoke all on all functions in schema %s from %s', ours, everybody);
    execute format('revoke all on schema %s from %s', ours, everybody);
end
$$;
alter default privileges revoke execute on functions from public;

grant usage on schema mtas, events, admin to mtas_authorize, mtas_token, mtas_jwks, mtas_admin, mtas_scheduler;
grant execute on function mtas.tenant_id() to mtas_authorize, mtas_token, mtas_jwks, mtas_admin, mtas_scheduler;
grant execute on function admin.find_client(uuid, text) to mtas_authorize, mtas_token;
grant execute on function admin.list_frontend_origins(uuid) to mtas_authorize, mtas_token, mtas_jwks;
grant execute on function admin.note_observations to mtas_authorize, mtas_token;
grant execute on function admin.note_secret_uses to mtas_token;

-- The outbox: policies limit each service to its own rows.
grant select, delete, update (parked_at, parked_because) on events.outbox
    to mtas_authorize, mtas_token, mtas_jwks, mtas_admin;
grant insert (tenant_id, type, subject, data, occurred_at, traceparent) on events.outbox
    to mtas_authorize, mtas_token, mtas_jwks, mtas_admin;

-- admin: its own schema; of users what the dashboard shows; of keys their state.
grant select, insert, update on admin.developers, admin.tenants, admin.members, admin.clients, admin.client_secrets
    to mtas_admin;
grant delete on admin.members, admin.client_secrets to mtas_admin;
grant select, insert, update, delete on admin.developer_sessions, admin.password_links, admin.password_notices
    to mtas_admin;
grant select, insert, update (ended_at, taken_by, mail_claimed_at, mail_sent_at, mail_refused_at) on admin.invitations
    to mtas_admin;
grant execute on function admin.has_inviter to mtas_admin;
grant select, insert, delete, update (sealed_answer) on admin.idempotency_keys to mtas_admin;
grant select, insert, update (last_used_at, revoked_at) on admin.api_tokens to mtas_admin;
grant select, insert on admin.audit_log to mtas_admin;
grant select, insert, update on admin.feeds to mtas_admin;
grant execute on function admin.delete_old_audit_entries to mtas_admin;
grant select, delete on admin.observations to mtas_admin;
grant select, insert, delete on admin.logos to mtas_admin;
grant select, insert, update on admin.activity to mtas_admin;
grant usage on schema authorize, jwks to mtas_admin;
grant select (tenant_id, user_id, email, email_key, email_verified, name, disabled_at, created_at)
    on authorize.users to mtas_admin, mtas_scheduler;
grant execute on function authorize.find_users to mtas_admin;
grant select (tenant_id, kid, alg, state, created_at, activates_at, retires_at, removes_at, rsa_bits, is_imported,
              activates_by, withdrawn_at)
    on jwks.signing_keys to mtas_admin;
grant select on jwks.key_fetches to mtas_admin;

-- authorize: users, credentials, sessions; reads tenants, clients (never a secret's hash), public keys.
grant usage on schema authorize, jwks to mtas_authorize;
grant select, insert, update on authorize.users, authorize.credentials, authorize.sessions to mtas_authorize;
grant delete on authorize.users to mtas_authorize;
grant select, insert, update on authorize.mails to mtas_authorize;
grant select, insert, update, delete on authorize.consents to mtas_authorize;
-- Families are token's: through its functions, above, authorize lists and revokes those of one user.
grant usage on schema token to mtas_authorize;
grant execute on function authorize.delete_forgotten_sessions, authorize.delete_forgotten_mails to mtas_authorize;
grant select on admin.tenants, admin.clients, admin.logos to mtas_authorize;
grant select (tenant_id, kid, alg, state, public_jwk, removes_at, withdrawn_at) on jwks.signing_keys
    to mtas_authorize;

-- token: families; reads tenants, clients, secrets, sealed keys, of users what goes into claims,
-- and of sessions whether they have ended.
grant usage on schema token, authorize, jwks to mtas_token;
grant select, insert, update on token.families to mtas_token;
grant select on token.moved_in_keys to mtas_token;
grant execute on all functions in schema token to mtas_token;
grant execute on function admin.list_client_secrets(uuid, text), jwks.find_active_key(uuid, text),
    jwks.list_public_keys(uuid) to mtas_token;
grant select on admin.tenants, admin.clients, admin.client_secrets to mtas_token;
grant select (tenant_id, user_id, email, email_verified, name, grants_valid_from, disabled_at, updated_at)
    on authorize.users to mtas_token;
grant select (tenant_id, session_id, ended_at) on authorize.sessions to mtas_token;
grant select on jwks.signing_keys to mtas_token;

-- A tenant that moves: all that it owns, to read and to write once. Row-level security holds for the mover too.
-- Of whoever is to own it at its new home, the address.
grant usage on schema mtas, admin, authorize, token, jwks to mtas_mover;
grant execute on function mtas.tenant_id() to mtas_mover;
grant select, insert on
    admin.tenants, admin.clients, admin.client_secrets, admin.logos, admin.audit_log, admin.activity,
    authorize.users, authorize.credentials, authorize.sessions, authorize.consents,
    token.families, token.moved_in_keys, jwks.signing_keys
    to mtas_mover;
grant insert on admin.members to mtas_mover;
grant select (developer_id, email_key) on admin.developers to mtas_mover;

-- jwks: signing keys; reads tenants, and clients' origins for CORS.
grant usage on schema jwks to mtas_jwks;
grant select, insert, update, delete on jwks.signing_keys to mtas_jwks;
grant select, delete on jwks.key_fetches to mtas_jwks;
grant execute on all functions in schema jwks to mtas_jwks;
grant select on admin.tenants to mtas_jwks;
grant select (tenant_id, client_id, frontend_origins, disabled_at) on admin.clients to mtas_jwks;

-- The scheduler's functions: only what their answers need.
grant usage on schema jwks, token to mtas_scheduler;
grant select (tenant_id, signing_alg, signing_key_bits, access_token_ttl_s, id_token_ttl_s) on admin.tenants
    to mtas_scheduler;
grant select (tenant_id, kid, alg, state, activates_at, removes_at, longest_ttl_s, kek_id, rsa_bits, is_imported)
    on jwks.signing_keys to mtas_scheduler;
grant select, insert, update (last_at) on jwks.key_fetches to mtas_scheduler;
grant execute on function jwks.fits to mtas_scheduler;
grant select (tenant_id, family_id, absolute_expires_at), delete, update (revoked_reason) on token.families to mtas_scheduler;
grant usage on schema authorize to mtas_scheduler;
grant select (tenant_id, session_id, ended_at, expires_at), delete, update (last_seen_at) on authorize.sessions
    to mtas_scheduler;
grant select (tenant_id, event_id, occurred_at), delete on admin.audit_log to mtas_scheduler;
grant select, insert, update on admin.observations to mtas_scheduler;
grant select, insert, update, delete on admin.activity to mtas_scheduler;
grant select (tenant_id, client_id, secret_hash, last_used_at), update (last_used_at) on admin.client_secrets
    to mtas_scheduler;
grant select (tenant_id, mail_id, expires_at), delete, update (sent_at) on authorize.mails to mtas_scheduler;
