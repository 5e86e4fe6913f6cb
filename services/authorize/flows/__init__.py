"""The use cases: authorize (one pipeline), sign in, sign up, sign out, and users' administration.

`authorize` is the way of a request to its code: `authorization_request` reads it,
`interaction` keeps it while its user is asked something, `outcome` is what can come of it.
No HTTP here, and no SQL.
"""
