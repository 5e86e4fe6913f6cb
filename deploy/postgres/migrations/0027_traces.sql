-- What an event was written in, when that is traced (W3C Trace Context §3.2); it goes with the message.
alter table events.outbox add column traceparent text;
-- Until grants.sql has run, an instance of the new version is served.
grant insert (traceparent) on events.outbox to mtas_authorize, mtas_token, mtas_jwks, mtas_admin;
