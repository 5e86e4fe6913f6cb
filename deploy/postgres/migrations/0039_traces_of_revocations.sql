-- What a function writes on its own, too, says what it was written in, when that is traced: a family that a replay
-- has ended. The caller sets mtas.traceparent in the transaction.
--
-- New against 0002: the event's traceparent.
create or replace function token.revoke_family(
    p_tenant_id uuid, p_family_id uuid, p_client_id text, p_reason text, p_now timestamptz
) returns boolean
language plpgsql as $$
declare
    revoked token.families;
begin
    perform set_config('mtas.tenant_id', p_tenant_id::text, true);
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    update token.families
       set revoked_at = p_now, revoked_reason = p_reason
     where tenant_id = p_tenant_id and family_id = p_family_id
       and (p_client_id is null or client_id = p_client_id)
       and revoked_at is null
    returning * into revoked;
    if not found then
        return false;
    end if;
    insert into events.outbox (tenant_id, type, subject, data, occurred_at, traceparent)
    values (p_tenant_id, 'family.revoked', p_family_id::text,
            jsonb_build_object('client_id', revoked.client_id, 'user_id', revoked.user_id, 'reason', p_reason),
            p_now, nullif(current_setting('mtas.traceparent', true), ''));
    return true;
end
$$;
