"""The use cases: authorize (one pipeline), sign in, sign up, sign out, what users do with their accounts
and by links in mails, and their administration.

`authorize` is the way of a request to its code: `authorization_request` reads it,
`interaction` keeps it while its user is asked something, `outcome` is what can come of it.
`mailing` sends what `letters` say; `links` makes the tokens in them, `mail_links` opens them.
No HTTP here, and no SQL.
"""
