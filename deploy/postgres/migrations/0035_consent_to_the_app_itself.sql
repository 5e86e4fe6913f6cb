-- `scope` is what a third party's client may have at the app itself, `scope_at_resources` what at APIs; it was the sum
-- of both. Of a consent that names APIs it is not known what was meant for the app, so who asks for that asks again.
alter table authorize.consents no force row level security;
update authorize.consents set scope = '{}' where scope_at_resources <> '{}';
alter table authorize.consents force row level security;
