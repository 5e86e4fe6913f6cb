"""Vectors that are tables: return_to, csrf, navigation, refresh, errors."""

from typing import Any, Final

from sdk.vectors.sealed import APP_URL, NOW

PREFIX: Final = "/auth"
DEFAULT: Final = "/home"


def return_to() -> dict[str, Any]:
    same = [
        "/",
        "/orders",
        "/orders?page=2&sort=asc",
        "/orders#top",
        "/a/b/c/",
        "/search?q=https://example.com//x",
        "/a?next=/auth/login",
        "/a#//b",
        "/caf%C3%A9?q=%20",
        "/authors",
        "/auth",
        "/auth/",
        "/auth/settings",
        "/auth/logins",
        "/AUTH/login",
        "/a;b=c",
        "/~ada/!$&'()*+,;=:@-._",
        "/..a/b..",
        "/a?q=100%",
        "/a?q=../..",
        "/%2f%2fevil.example",
        "/a" + "b" * 2046,
    ]
    encoded = {
        "/café": "/caf%C3%A9",
        "/李?q=é": "/%E6%9D%8E?q=%C3%A9",
        "/🦊": "/%F0%9F%A6%8A",
        "/a b": "/a%20b",
        "/é" + "b" * 2041: "/%C3%A9" + "b" * 2041,
    }
    refused = [
        "",
        " ",
        " /a",
        "orders",
        "./a",
        "../a",
        "?a",
        "#a",
        "//evil.example",
        "///evil.example",
        "//",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/a\\b",
        "/a?b=\\",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/a\r\nSet-Cookie: x=1",
        "/a\u0000b",
        "/a\u007f",
        "/a\u0085b",
        "/a//b",
        "/a//",
        "https://evil.example/",
        "https://acme.example.com/orders",
        "http:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "@evil.example",
        "/./a",
        "/../a",
        "/a/..",
        "/a/../b",
        "/.",
        "/%2e/a",
        "/%2E%2e/a",
        "/.%2e//evil.example",
        "/.//evil.example",
        "/auth/login",
        "/auth/login?returnTo=/a",
        "/auth/login/",
        "/auth/login#x",
        "/auth/callback",
        "/auth/callback?code=x",
        "/auth/logout",
        "/auth/me",
        "/auth/me/more",
        "/%61uth/login",
        "/auth%2Flogin",
        "/auth/logi%6e",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%ff",
        "/a" + "b" * 2047,
        "/é" + "b" * 2042,
    ]
    cases = [{"input": text, "result": text} for text in same]
    cases += [{"input": text, "result": result} for text, result in encoded.items()]
    cases += [{"input": text, "result": DEFAULT} for text in refused]
    return {"app_url": APP_URL, "prefix": PREFIX, "default": DEFAULT, "cases": cases}


def csrf() -> dict[str, Any]:
    cases: list[tuple[str, str, dict[str, str], bool]] = [
        ("GET needs nothing", "GET", {"sec-fetch-site": "cross-site"}, True),
        ("HEAD needs nothing", "HEAD", {}, True),
        ("OPTIONS needs nothing", "OPTIONS", {"origin": "https://evil.example"}, True),
        ("same-origin", "POST", {"sec-fetch-site": "same-origin"}, True),
        ("same-origin, whatever Origin", "POST", {"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ("the header", "POST", {"x-mtas-csrf": "1"}, True),
        ("the header, cross-site", "POST", {"x-mtas-csrf": "1", "sec-fetch-site": "cross-site"}, True),
        ("the header, empty", "POST", {"x-mtas-csrf": ""}, True),
        ("an old browser of this origin", "POST", {"origin": APP_URL}, True),
        ("cross-site", "POST", {"sec-fetch-site": "cross-site"}, False),
        ("same-site is another origin", "POST", {"sec-fetch-site": "same-site"}, False),
        ("none: not from a page", "POST", {"sec-fetch-site": "none"}, False),
        ("cross-site with our Origin", "POST", {"sec-fetch-site": "cross-site", "origin": APP_URL}, False),
        ("Sec-Fetch-Site in capitals", "POST", {"sec-fetch-site": "Same-Origin"}, False),
        ("Sec-Fetch-Site empty", "POST", {"sec-fetch-site": "", "origin": APP_URL}, False),
        ("nothing", "POST", {}, False),
        ("another Origin", "POST", {"origin": "https://evil.example"}, False),
        ("Origin null", "POST", {"origin": "null"}, False),
        ("Origin with a slash more", "POST", {"origin": APP_URL + "/"}, False),
        ("Origin of another port", "POST", {"origin": APP_URL + ":8443"}, False),
        ("Origin of another scheme", "POST", {"origin": "http://acme.example.com"}, False),
        ("Origin that begins alike", "POST", {"origin": APP_URL + ".evil.example"}, False),
        ("Origin in capitals", "POST", {"origin": APP_URL.upper()}, False),
        ("Referer does not count", "POST", {"referer": APP_URL + "/"}, False),
        ("Host does not count", "POST", {"host": "acme.example.com", "origin": "https://x.example"}, False),
        ("PUT", "PUT", {}, False),
        ("PATCH", "PATCH", {}, False),
        ("DELETE", "DELETE", {}, False),
        ("a method nobody knows", "PURGE", {}, False),
        ("get in small letters is another method", "get", {}, False),
    ]
    return {
        "app_url": APP_URL,
        "cases": [
            {"name": name, "method": method, "headers": headers, "allowed": allowed}
            for name, method, headers, allowed in cases
        ],
    }


def navigation() -> dict[str, Any]:
    html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    cases: list[tuple[str, str, dict[str, str], bool, bool]] = [
        # name, method, headers, is it a navigation, is it sent to the login
        ("a page load", "GET", {"sec-fetch-mode": "navigate", "accept": html}, True, True),
        ("a page load without Accept", "GET", {"sec-fetch-mode": "navigate"}, True, True),
        ("an old browser", "GET", {"accept": html}, True, True),
        ("an old browser, in capitals", "GET", {"accept": "Text/HTML"}, True, True),
        ("a form", "POST", {"sec-fetch-mode": "navigate", "accept": html}, True, False),
        ("an old browser's form", "POST", {"accept": html}, True, False),
        ("HEAD", "HEAD", {"sec-fetch-mode": "navigate"}, True, False),
        ("fetch", "GET", {"sec-fetch-mode": "cors", "accept": "*/*"}, False, False),
        ("fetch that asks for HTML", "GET", {"sec-fetch-mode": "cors", "accept": html}, False, False),
        ("an image", "GET", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, False, False),
        ("another Sec-Fetch header alone", "GET", {"sec-fetch-site": "none", "accept": html}, False, False),
        ("navigate in capitals", "GET", {"sec-fetch-mode": "Navigate", "accept": html}, False, False),
        ("a client without headers", "GET", {}, False, False),
        ("anything", "GET", {"accept": "*/*"}, False, False),
        ("JSON", "GET", {"accept": "application/json"}, False, False),
        ("a type that begins alike", "GET", {"accept": "text/html5"}, False, False),
    ]
    prefetch: list[tuple[str, dict[str, str], bool]] = [
        ("none", {}, False),
        ("Sec-Purpose", {"sec-purpose": "prefetch"}, True),
        ("Sec-Purpose with parameters", {"sec-purpose": "prefetch;prerender"}, True),
        ("Sec-Purpose with parameters and a space", {"sec-purpose": "prefetch; anonymous-client-ip"}, True),
        ("Purpose", {"purpose": "prefetch"}, True),
        ("Purpose in capitals", {"purpose": "Prefetch"}, True),
        ("another purpose", {"purpose": "preview"}, False),
        ("a word that begins alike", {"sec-purpose": "prefetched"}, False),
    ]
    return {
        "cases": [
            {"name": name, "method": method, "headers": headers, "navigation": load, "to_login": to_login}
            for name, method, headers, load, to_login in cases
        ],
        "prefetch": [
            {"name": name, "headers": headers, "prefetch": result} for name, headers, result in prefetch
        ],
    }


def refresh() -> dict[str, Any]:
    cases: list[tuple[str, int, int, int, bool]] = [
        # name, the token's lifetime, seconds left, refresh_before_s, due?
        ("fresh", 600, 600, 60, False),
        ("a second before it is due", 600, 61, 60, False),
        ("due", 600, 60, 60, True),
        ("over", 600, 0, 60, True),
        ("long over", 600, -900, 60, True),
        ("short-lived: half of the lifetime", 60, 31, 60, False),
        ("short-lived: half is due", 60, 30, 60, True),
        ("an odd lifetime is halved downwards", 5, 3, 60, False),
        ("an odd lifetime, due", 5, 2, 60, True),
        ("no time before", 600, 1, 0, False),
        ("no time before, over", 600, 0, 0, True),
        ("no lifetime at all", 0, 0, 60, True),
    ]
    return {
        "now": NOW,
        "cases": [
            {
                "name": name,
                "iat": NOW + left - lifetime,
                "at_exp": NOW + left,
                "refresh_before_s": before,
                "due": due,
                "valid": left > 0,
            }
            for name, lifetime, left, before, due in cases
        ],
    }


def errors() -> dict[str, Any]:
    rows: list[tuple[str, int, str]] = [
        ("login_required", 401, "Sign in to go on"),
        ("csrf", 403, "The request did not come from this app's own pages"),
        ("state_missing", 400, "This sign-in was begun elsewhere, or too long ago"),
        ("state_invalid", 400, "This sign-in's state does not fit"),
        ("issuer_mismatch", 400, "The answer came from another issuer"),
        ("authorization_refused", 403, "The sign-in was refused"),
        ("code_rejected", 400, "The sign-in could not be completed"),
        ("client_rejected", 500, "The auth server does not accept this app's credentials"),
        ("id_token_invalid", 400, "The auth server's answer could not be verified"),
        ("clock_skew", 500, "This machine's clock is wrong"),
        ("server_unavailable", 503, "The auth server cannot be reached"),
        ("discovery_mismatch", 500, "The auth server is another than the configured one"),
        ("token_missing", 401, "An access token is needed"),
        ("token_invalid", 401, "The access token is not valid"),
        ("insufficient_scope", 403, "The access token's scope does not cover this"),
        ("session_too_large", 500, "The session does not fit in cookies"),
    ]
    return {
        "type_prefix": "urn:mtas:error:",
        "cases": [{"code": code, "status": status, "title": title} for code, status, title in rows],
    }
