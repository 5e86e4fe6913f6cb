"""The admin service: developers, apps and their clients; dashboard, admin API, `mtas` command line.

Endpoints: `/dashboard` (pages), `/api/v1` (JSON, OpenAPI 3.1 at `/api/v1/openapi.json`, problems
by RFC 9457), `/` (to the dashboard).

Owns the schema `admin`: developers and their sessions, tenants, members, clients (RFC 6749 §2),
client secrets, audit log. Reads of users what the dashboard shows, of signing keys their state.
Users are made and disabled by authorize, over its internal HTTP API.

Events out: `tenant.*`, `client.*`. Events in: all of them, into the audit log.
"""
