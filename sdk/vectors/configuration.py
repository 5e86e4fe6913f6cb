"""Vectors of the configuration: what is accepted, and what each mistake is called."""

from typing import Any

from sdk.vectors.sealed import APP_ID, APP_URL, ISSUER, SECRETS


def config() -> dict[str, Any]:
    good: dict[str, Any] = {
        "issuer": ISSUER,
        "app_id": APP_ID,
        "app_secret": "mtas_cs_example",
        "app_url": APP_URL,
        "cookie_secrets": ",".join(SECRETS),
    }
    cases: dict[str, tuple[dict[str, Any], list[str]]] = {
        "what is required": ({}, []),
        "secrets as a list": ({"cookie_secrets": list(SECRETS)}, []),
        "one secret, spaces around": ({"cookie_secrets": f" {SECRETS[0]} "}, []),
        "loopback": ({"issuer": "http://localhost:8080/t/acme", "app_url": "http://127.0.0.1:8000"}, []),
        "loopback, IPv6": ({"issuer": "http://[::1]:8080/t/acme", "app_url": "http://[::1]:8000"}, []),
        "numbers as text": ({"refresh_before_s": "30", "timeout_s": "2.5"}, []),
        "all of them": (
            {
                "prefix": "/_/auth",
                "scope": "openid offline_access",
                "resource": "https://api.example.com",
                "default_return_to": "/home",
                "post_logout_return_to": "/bye?x=1",
                "refresh_before_s": 30,
                "session_max_age_s": 3600,
                "clock_leeway_s": 0,
                "timeout_s": 1,
                "jwks_stale_s": 0,
                "redis_url": "redis://localhost:6379/0",
            },
            [],
        ),
        "nothing": (
            dict.fromkeys(good, None),
            ["issuer", "app_id", "app_secret", "app_url", "cookie_secrets"],
        ),
        "empty counts as absent": ({"issuer": "", "prefix": ""}, ["issuer"]),
        "several problems at once": (
            {"issuer": "ftp://x", "app_id": "a b", "cookie_secrets": "short"},
            ["issuer", "app_id", "cookie_secrets"],
        ),
        "an option nobody knows": ({"cookie_secret": "x"}, ["cookie_secret"]),
    }
    bad: dict[str, list[Any]] = {
        "issuer": [
            "http://auth.example.com/t/acme",
            "auth.example.com",
            "https://",
            ISSUER + "?x=1",
            ISSUER + "#x",
            "https://user@auth.example.com/t/acme",
            "http://localhost.evil.example/t/acme",
            "http://app.localhost:8080/t/acme",
            "http://127.0.0.2:8080/t/acme",
            "https://auth.example.com:99999/t/acme",
            "HTTPS://auth.example.com/t/acme",
            "https://Auth.example.com/t/acme",
            ISSUER + "/",
        ],
        "app_id": ["a.b", "a/b", "a;b", "é", "x" * 65],
        "app_url": [
            "http://acme.example.com",
            "https://acme.example.com/",
            "https://acme.example.com/app",
            "https://acme.example.com:443",
            "http://localhost:80",
            "https://ACME.example.com",
            "https://a@acme.example.com",
            "acme.example.com",
            "https://acme.example.com?x",
        ],
        "cookie_secrets": [
            "x" * 31,
            f"{SECRETS[0]},short",
            f"{SECRETS[0]},{SECRETS[0]}",
            f"{SECRETS[0]},",
            [SECRETS[0], 5],
            [],
        ],
        "prefix": ["auth", "/", "/auth/", "//auth", "/a/../b", "/a b", "/a?b", "/a%20b"],
        "scope": ["profile email", "openid  email", " openid", 'openid "x"'],
        "resource": ["api", "https://api.example.com#x"],
        "default_return_to": ["https://x.example", "//x", "x", "/auth/login"],
        "post_logout_return_to": ["//x", "/\\x"],
        "refresh_before_s": ["x", -1, 3601, "1.5"],
        "session_max_age_s": [0, 299, 34_560_001, True],
        "clock_leeway_s": [-1, 301],
        "timeout_s": [0, 61, "soon", "-1", "nan", "inf"],
        "jwks_stale_s": [-1, 604_801],
        "redis_url": ["localhost:6379", "http://localhost"],
    }
    for option, values in bad.items():
        for value in values:
            cases[f"{option}: {value!r}"[:80]] = ({option: value}, [option])
    return {
        "cases": [
            {
                "name": name,
                "options": {k: v for k, v in (good | changes).items() if v is not None},
                "problems": problems,
            }
            for name, (changes, problems) in cases.items()
        ]
    }
