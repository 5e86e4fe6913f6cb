-- A user allows a third party's client a scope at the APIs that were named to them. Of earlier consents it is not known
-- which were, so who asks for one asks again.
alter table authorize.consents add column resources text[] not null default '{}';
