-- Why an event was parked, as NATS or the relay says it.
alter table events.outbox add column parked_because text;
-- Until grants.sql has run, an instance of the new version is served.
grant update (parked_because) on events.outbox to mtas_authorize, mtas_token, mtas_jwks, mtas_admin;
-- The doctor looks as the owner, who saw none: each service sees what it wrote itself.
do $$
begin
    execute format('create policy of_the_owner on events.outbox for select to %I using (true)', current_user);
end
$$;
