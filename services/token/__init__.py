"""The token service: mints, rotates, revokes, introspects.

Endpoints, below `/t/{tenant}`: `/token` (RFC 6749 §3.2), `/revoke` (RFC 7009), `/introspect`
(RFC 7662), `/userinfo` (OpenID Connect Core §5.3).

Owns `token.families` and `token.moved_in_keys`. Takes authorization codes from Valkey; reads tenants,
clients and their secrets' hashes, sealed signing keys, and of users only what goes into claims. Cannot
read a password hash.

Events out: `family.revoked`. Events in: `session.ended`, which ends the families bound to it; those of
tenants, clients and keys make its caches forget, and a key that signs no more is closed.
"""
