"""The authorize service: proves who a user is, and says so to a client with a code.

Endpoints, below `/t/{tenant}`: `/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2, RFC 9207),
the hosted pages `/login`, `/signup`, `/forgot`, `/reset`, `/verify`, `/consent`, `/select-account`,
`/account` and below, `/signed-out`, and `/logout` (OpenID Connect RP-Initiated Logout 1.0). On its own
port alone, for admin: `/internal` (users).

Owns `authorize.users`, `authorize.credentials`, `authorize.sessions`, `authorize.mails`,
`authorize.consents`. Reads tenants, clients and public keys; cannot read a client's secret or a private
key; lists and revokes one user's grants through two functions of token. Writes authorization codes to Valkey
and cannot read them back.

Events out: `user.*`, `session.*` and `mail.requested` (shared/events/users.py).
Events in: its own `mail.requested`, upon which it sends the mail; those of tenants, clients and keys
make its caches forget.
"""
