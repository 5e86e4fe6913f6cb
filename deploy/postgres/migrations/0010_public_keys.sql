-- What a tenant publishes, in one round trip, as migration 8 has it: the key that signs first.
create function jwks.list_public_keys(p_tenant_id uuid) returns setof jsonb
language plpgsql as $$
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    return query
        select k.public_jwk
          from jwks.signing_keys k
         where k.tenant_id = p_tenant_id and k.state <> 'retired'
         order by (k.state = 'active') desc, k.activates_at desc;
end
$$;
