-- A new password, chosen on the account page, makes strangers of the devices that have signed in with the former one.
-- Null: never since. What grants_valid_from says holds for devices besides.

alter table authorize.users add column devices_valid_from timestamptz;
