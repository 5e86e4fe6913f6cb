"""The admin service's statements: one typed function each, by topic, SQL in the file beside it.

- `developers`: accounts and sessions; no tenant is involved
- `password_links`: links to a new password, by address
- `password_notices`: who is to be told of a new one
- `api_tokens`: API tokens; a developer owns them
- `apps`: tenants, who may see them, and the state of their keys
- `idempotency`: answers kept for requests that are sent again
- `members`: members of an app
- `invitations`: invitations to become one, and their mails
- `clients`: clients and their secrets
- `users`: what the dashboard shows of users; authorize writes them
- `audit`: the audit log

A function with `tenant_id` runs inside `Database.tenant`: row-level security does the rest.
"""
