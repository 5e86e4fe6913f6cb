-- Mail, and what its links are good for once. A row is written in the transaction of what the mail is
-- about; the event `mail.requested` names it, and whoever consumes that sends it (docs/adr/0015).
-- No token is stored: a link's is computed from the row's id when it is sent.

create table authorize.mails (
    tenant_id      uuid not null references admin.tenants,
    mail_id        uuid not null default uuidv7(),
    purpose        text not null check (purpose in (
        'verify_email', 'account_exists', 'reset_password', 'change_email', 'email_changed', 'password_changed')),
    email          text not null,                    -- to whom
    user_id        uuid,                             -- null: whoever has the address when it is sent, if anybody
    locale         text not null,
    interaction_id text,                             -- what waits, and the link leads back to
    created_at     timestamptz not null,
    expires_at     timestamptz not null,             -- of the link; and later the mail is not worth sending
    claimed_at     timestamptz,                      -- one process is sending it
    sent_at        timestamptz,
    used_at        timestamptz,                      -- the link: set once
    primary key (tenant_id, mail_id),
    foreign key (tenant_id, user_id) references authorize.users on delete cascade
);
create index on authorize.mails (tenant_id, user_id);
create index on authorize.mails (expires_at);

alter table authorize.mails enable row level security, force row level security;
create policy of_the_tenant on authorize.mails
    using (tenant_id = mtas.tenant_id()) with check (tenant_id = mtas.tenant_id());

-- Addresses are personal data: a day after its link has lapsed a mail is forgotten.
create policy for_the_scheduler on authorize.mails to mtas_scheduler
    using (expires_at < now() - interval '1 day');

grant usage, create on schema authorize to mtas_scheduler;
create function authorize.delete_forgotten_mails(p_limit integer) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with over as (
        select tenant_id, mail_id from authorize.mails
         where expires_at < now() - interval '1 day'
         limit p_limit for update skip locked
    ), deleted as (
        delete from authorize.mails m using over o
         where m.tenant_id = o.tenant_id and m.mail_id = o.mail_id
        returning 1
    )
    select count(*) from deleted;
end;
alter function authorize.delete_forgotten_mails owner to mtas_scheduler;
revoke create on schema authorize from mtas_scheduler;

-- May a user whose address is not confirmed sign in?
alter table admin.tenants add column verified_email_required boolean not null default false;

-- What a user knows their sessions by. Rows from before know neither, and begin now.
alter table authorize.sessions
    add column created_at timestamptz not null default now(),
    add column user_agent text not null default '',
    add column address    text not null default '';
