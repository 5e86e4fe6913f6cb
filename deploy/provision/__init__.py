"""The one-shot step before the services start: database, roles, grants, streams, consumers.

Idempotent, and safe to run twice at once. Needs the owner's database URL and NATS's `ops`
user; the services themselves never do. Imports neither `services` nor `deploy.local`.
"""
