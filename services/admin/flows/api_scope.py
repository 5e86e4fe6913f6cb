"""What an API token may be given: the scope of each operation of the admin API (RFC 6749 §3.3).

Every operation names the one that it needs, and a token without it is refused before anything else of
the request is read. A scope never adds to what the developer may do: their role decides as well.
"""

from enum import StrEnum
from typing import Final


class ApiScope(StrEnum):
    APPS_READ = "apps:read"
    APPS_WRITE = "apps:write"
    SECRETS_WRITE = "secrets:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    AUDIT_READ = "audit:read"
    EVENTS_READ = "events:read"
    TOKENS_READ = "tokens:read"
    TOKENS_REVOKE = "tokens:revoke"


OPERATOR_ONLY: Final = "operator"
"""For an operation that no token of a developer may do, whatever its scope: no token can be given this."""

SAID: Final[dict[ApiScope, str]] = {
    ApiScope.APPS_READ: "See apps, their clients and settings",
    ApiScope.APPS_WRITE: "Register apps, change them and their clients (new secrets too)",
    ApiScope.SECRETS_WRITE: "Rotate client secrets",
    ApiScope.USERS_READ: "See users",
    ApiScope.USERS_WRITE: "Make, change and remove users",
    ApiScope.KEYS_READ: "See signing keys",
    ApiScope.KEYS_WRITE: "Rotate and import signing keys, also in an emergency",
    ApiScope.MEMBERS_READ: "See members and invitations",
    ApiScope.MEMBERS_WRITE: "Invite and remove members, and change their roles",
    ApiScope.AUDIT_READ: "Read the audit log",
    ApiScope.EVENTS_READ: "Read the feed of events",
    ApiScope.TOKENS_READ: "See your API tokens",
    ApiScope.TOKENS_REVOKE: "Revoke your API tokens, itself too",
}
"""Each in words, for whoever chooses."""
