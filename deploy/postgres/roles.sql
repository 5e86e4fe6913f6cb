-- The roles, before any table. Idempotent: run at every provision.
-- One login role a service; passwords are set by deploy.provision, never here.
-- mtas_scheduler cannot log in: it owns the few functions that look across tenants
-- (which tenant needs a key, which family has expired), and sees the columns they need.
-- mtas_mover cannot log in either: `mtas tenant export` and `import` become it, one tenant at a time, from the
-- connection of whoever migrates (docs/adr/0016-a-tenant-moves.md).
do $$
declare
    role_name text;
begin
    foreach role_name in array array['mtas_authorize', 'mtas_token', 'mtas_jwks', 'mtas_admin', 'mtas_scheduler', 'mtas_mover'] loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I nologin noinherit', role_name);
        end if;
    end loop;
end
$$;

do $$
begin
    -- So that the owner of the migrations may give functions to the one who looks across tenants, to the one who moves them, and to token.
    if not pg_has_role(current_user, 'mtas_scheduler', 'set') then
        execute format('grant mtas_scheduler to %I', current_user);
    end if;
    if not pg_has_role(current_user, 'mtas_mover', 'set') then
        execute format('grant mtas_mover to %I', current_user);
    end if;
    if not pg_has_role(current_user, 'mtas_token', 'set') then
        execute format('grant mtas_token to %I with inherit false', current_user);
    end if;
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to mtas_authorize, mtas_token, mtas_jwks, mtas_admin', current_database()
    );
end
$$;

revoke all on schema public from public;

-- Short statements only; a stuck client must not hold a lock for long.
alter role mtas_authorize set statement_timeout = '5s';
alter role mtas_token     set statement_timeout = '5s';
alter role mtas_jwks      set statement_timeout = '5s';
alter role mtas_admin     set statement_timeout = '10s';
alter role mtas_authorize set idle_in_transaction_session_timeout = '15s';
alter role mtas_token     set idle_in_transaction_session_timeout = '15s';
alter role mtas_jwks      set idle_in_transaction_session_timeout = '15s';
alter role mtas_admin     set idle_in_transaction_session_timeout = '15s';

-- What token does has an index. While a table is small, reading all of it looks cheaper; a connection keeps that
-- plan, and reads all of it at each code still when there are tens of thousands.
alter role mtas_token set enable_seqscan = off;
