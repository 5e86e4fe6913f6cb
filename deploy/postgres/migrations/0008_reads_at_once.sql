-- What the caches read, in one round trip: each function sets the tenant itself, so that a look-up
-- needs no surrounding transaction. All run with the caller's rights: grants and row-level security
-- hold inside them.

create function admin.find_client(p_tenant_id uuid, p_client_id text) returns setof admin.clients
language plpgsql as $$
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    return query select c.* from admin.clients c where c.tenant_id = p_tenant_id and c.client_id = p_client_id;
end
$$;

-- Of clients that are not disabled.
create function admin.list_frontend_origins(p_tenant_id uuid) returns setof text
language plpgsql as $$
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    return query
        select distinct unnest(c.frontend_origins)
          from admin.clients c
         where c.tenant_id = p_tenant_id and c.disabled_at is null;
end
$$;

-- Hashes of the secrets a client may authenticate with; expiry is checked when they are used.
create function admin.list_client_secrets(p_tenant_id uuid, p_client_id text)
returns table (secret_hash bytea, expires_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    return query
        select s.secret_hash, s.expires_at
          from admin.client_secrets s
         where s.tenant_id = p_tenant_id and s.client_id = p_client_id;
end
$$;

-- The key that signs. After a tenant chose another algorithm that is, until a key for it has been
-- published for long enough, still the one of the former.
create function jwks.find_active_key(p_tenant_id uuid, p_alg text)
returns table (kid text, alg text, sealed_private_key bytea, kek_id text)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    return query
        select k.kid, k.alg, k.sealed_private_key, k.kek_id
          from jwks.signing_keys k
         where k.tenant_id = p_tenant_id and k.state = 'active'
         order by (k.alg = p_alg) desc, k.activates_at desc
         limit 1;
end
$$;
