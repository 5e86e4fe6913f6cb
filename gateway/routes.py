"""The public route table: what the outside can reach. Nothing else exists there.

`/livez`, `/readyz`, `/metrics` and `/internal/*` of the services are unreachable because no row
names them; a new endpoint stays private until it gets a row here. The README's table and the
gateway's tests are checked against these rows.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

# A slug's characters; its full shape, and whether the tenant exists, are the services' to say.
TENANT = "[a-z0-9-]+"

# What the tenant is taken from where its path decides which instance answers.
TENANT_OF_PATH = f"/t/({TENANT})/.*"

# One segment of a `*`. Not empty: a router might read `//` as `/`, and ours read `/x/` as `/x`, whose own row
# may have limits that the one of the `*` has not. No percent, no semicolon: nothing in our paths needs them,
# and where one server decodes or cuts them and the next does not, `..;` goes places.
SEGMENT = "[A-Za-z0-9._~@:+=,-]+"


class Kind(StrEnum):
    """Who reads the answer, and so what the gateway's own errors look like there."""

    OAUTH = "oauth"  # a client: {"error", "error_description"}, RFC 6749 §5.2
    API = "api"  # a script: application/problem+json, RFC 9457
    PAGE = "page"  # a person: HTML


class Limit(StrEnum):
    """Which per-address rate limit a row spends from."""

    PASSWORD = "password"
    TOKEN = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row. `{tenant}` stands for a slug, a last segment `*` for one or more segments."""

    name: str
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    service: str
    kind: Kind
    limit: Limit | None = None
    body_kib: int = 64

    @property
    def regex(self) -> str:
        """RE2 pattern of the row's paths, matched in full against the normalised path."""
        return any_of(self.paths)

    @property
    def is_safe(self) -> bool:
        """Whether every method of the row is safe, and so can be sent twice (RFC 9110 §9.2)."""
        return set(self.methods) <= {"GET", "HEAD", "OPTIONS"}


def any_of(paths: tuple[str, ...]) -> str:
    """The RE2 pattern that matches exactly these paths."""
    patterns = [
        re.escape(path).replace(r"\-", "-").replace(r"\{tenant\}", TENANT).replace(r"/\*", f"(/{SEGMENT})+")
        for path in paths
    ]
    return patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"


def _tenant(*names: str) -> tuple[str, ...]:
    return tuple(f"/t/{{tenant}}/{name}" for name in names)


# First match wins, so the hot path leads, and a limited method of a path stands above the rest of it.
ROUTES: tuple[Route, ...] = (
    Route(
        name="token",
        methods=("POST", "OPTIONS"),
        paths=_tenant("token", "revoke", "introspect"),
        service="token",
        kind=Kind.OAUTH,
        limit=Limit.TOKEN,
    ),
    Route(
        name="userinfo",
        methods=("GET", "POST", "OPTIONS"),
        paths=_tenant("userinfo"),
        service="token",
        kind=Kind.OAUTH,
        limit=Limit.TOKEN,
    ),
    Route(
        name="metadata",
        methods=("GET", "HEAD", "OPTIONS"),
        paths=(
            *_tenant("jwks.json", ".well-known/openid-configuration"),
            "/.well-known/oauth-authorization-server/t/{tenant}",
        ),
        service="jwks",
        kind=Kind.OAUTH,
    ),
    Route(
        name="password",
        methods=("POST",),
        paths=_tenant(
            *("login", "signup", "forgot", "reset", "verify-again"),
            *("account/password", "account/email", "account/delete"),
        ),
        service="authorize",
        kind=Kind.PAGE,
        limit=Limit.PASSWORD,
    ),
    Route(
        name="pages",
        methods=("GET", "POST"),
        paths=_tenant(
            *("authorize", "login", "signup", "consent", "select-account", "logout", "signed-out"),
            *("forgot", "reset", "verify", "verify-again", "new-email", "account", "account/*"),
        ),
        service="authorize",
        kind=Kind.PAGE,
    ),
    Route(
        name="assets",
        methods=("GET", "HEAD"),
        paths=_tenant("assets/*"),
        service="authorize",
        kind=Kind.PAGE,
    ),
    Route(
        name="dashboard-password",
        methods=("POST",),
        paths=(
            *("/dashboard/sign-in", "/dashboard/sign-up", "/dashboard/join"),
            *("/dashboard/forgot-password", "/dashboard/reset-password"),
        ),
        service="admin",
        kind=Kind.PAGE,
        limit=Limit.PASSWORD,
    ),
    Route(
        name="dashboard",
        methods=("GET", "POST"),
        paths=("/dashboard", "/dashboard/*"),
        service="admin",
        kind=Kind.PAGE,
        body_kib=1024,
    ),
    Route(
        name="api",
        methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        paths=("/api/v1/*",),
        service="admin",
        kind=Kind.API,
        body_kib=1024,
    ),
    Route(name="home", methods=("GET", "HEAD"), paths=("/",), service="admin", kind=Kind.PAGE),
)

SERVICES: tuple[str, ...] = tuple(dict.fromkeys(route.service for route in ROUTES))

# Whose instances share the tenants out, since each remembers what is dear: token its open keys.
BY_TENANT: tuple[str, ...] = ("token",)


def allowed_methods() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Paths grouped by the methods they answer, for `405` with its `Allow` (RFC 9110 §15.5.6)."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in dict.fromkeys(path for route in ROUTES for path in route.paths):
        example = path.replace("{tenant}", "tenant").replace("*", "any")
        rows = [route for route in ROUTES if re.fullmatch(route.regex, example)]
        methods = tuple(sorted({method for row in rows for method in row.methods}))
        groups.setdefault(methods, []).append(path)
    return {tuple(paths): methods for methods, paths in groups.items()}
