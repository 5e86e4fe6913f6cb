-- Links to a new dashboard password. One row for each address that was typed, whether or not it has an account: the
-- newest request is the only one, and so voids those before it. Of a link only its token's hash is ever here.
create table admin.password_links (
    email_key       text primary key,
    link_id         uuid not null unique default uuidv7(),       -- of this request, for the event that asks for the mail
    token_hash      bytea unique check (octet_length(token_hash) = 32),  -- null: its mail has not been sent yet
    mail_language   text,                                        -- null: it was shown to the operator
    created_at      timestamptz not null,
    expires_at      timestamptz not null,
    mail_claimed_at timestamptz,                                 -- one process is sending it
    mail_sent_at    timestamptz,
    used_at         timestamptz                                  -- set once
);
create index on admin.password_links (expires_at);
