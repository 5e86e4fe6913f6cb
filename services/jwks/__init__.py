"""The jwks service: makes, rotates and publishes signing keys.

Endpoints, below `/t/{tenant}`: `/jwks.json` (RFC 7517), `/.well-known/openid-configuration`
(OpenID Connect Discovery) and, at the root, `/.well-known/oauth-authorization-server/t/{tenant}`
(RFC 8414 §3.1). On its own port alone, for admin: `/internal` (rotation and import on request).

Owns `jwks.signing_keys` and `jwks.key_fetches`. Reads tenants, and clients' origins for CORS. Cannot
read a user.

Events out: `signing_key.created`, `signing_key.activated`, `signing_key.retired`. Events in:
`tenant.created` and `tenant.updated`, upon which it makes the key that is wanted; a regular look finds
what an event missed, and whatever else is due. Those of tenants, clients and keys make its caches forget.
"""
