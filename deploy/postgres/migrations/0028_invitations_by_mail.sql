-- An invitation goes by mail where there is a mail server, and does not outlive its inviter.

alter table admin.invitations
    add column invited_by      uuid references admin.developers,  -- null: with the operator's token
    add column mail_language   text,                              -- null: its link was shown to the inviter
    add column mail_claimed_at timestamptz,                       -- one process is sending it
    add column mail_sent_at    timestamptz,
    add column mail_refused_at timestamptz,                       -- for good, by the mail server
    alter column token_hash drop not null;                        -- the link in a mail has no token that is stored
alter table admin.invitations
    add constraint a_link_is_shown_or_mailed check ((token_hash is null) = (mail_language is not null)) not valid;

-- May whoever invited still give this role? Their account is enabled, and they are an operator or have as
-- high a role themselves. What is by nobody is by the operator's token, which vouches; from an instance
-- of the version before it may be by an owner, and does not count.
create function admin.has_inviter(p_tenant_id uuid, p_invited_by uuid, p_vouched boolean, p_role text)
returns boolean language sql stable
begin atomic
    select case when p_invited_by is null then p_vouched else exists (
        select from admin.developers d
         where d.developer_id = p_invited_by and d.disabled_at is null
           and (d.is_operator or exists (
               select from admin.members m
                where m.tenant_id = p_tenant_id and m.developer_id = d.developer_id
                  and array_position('{viewer,admin,owner}', m.role) >= array_position('{viewer,admin,owner}', p_role))))
    end;
end;
-- Until grants.sql has run, an instance of the version before is served.
grant execute on function admin.has_inviter to mtas_admin;
