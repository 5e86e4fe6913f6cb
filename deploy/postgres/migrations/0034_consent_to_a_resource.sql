-- A user allows a third party's client a scope at the APIs that were named to them. Of earlier consents it is not known
-- which were, so who asks for one asks again. Each is a scope, a space and the API: what is allowed at one is not at the next.
alter table authorize.consents add column scope_at_resources text[] not null default '{}';
