-- A mail says that somebody has signed in from a device that was not known.

alter table authorize.mails
    drop constraint mails_purpose_check,
    add constraint mails_purpose_check check (purpose in (
        'verify_email', 'account_exists', 'reset_password', 'change_email', 'email_changed', 'password_changed',
        'new_device'));
