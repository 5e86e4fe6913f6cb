"""Redirect URIs: nothing but the registered string, one exception apart (RFC 9700 §4.1.3, RFC 8252 §7.3)."""

from collections.abc import Iterator

import pytest

from shared.oauth.redirect_uri import check_redirect_uri, matches

REGISTERED = "https://app.example.com/oauth/callback?tenant=7"
NATIVE = "http://127.0.0.1/oauth/callback"


# With {host} and {path} in them, one a word; what is between cannot be seen and stands in ENDS.
HOSTS = [
    "{host}.evil.example",
    "evil-{host}",
    "evil.{host}",
    "www.{host}",
    "{host}.",
    "{host}@evil.example",
    "user@{host}",
    "{host}:443",
    "{host}:80",
    "{host}:8443",
    "{host}:",
    "{host}\\@evil.example",
    "{host}%2eevil.example",
    "evil.example\\{host}",
    "evil.example#{host}",
    "evil.example?{host}",
    "аpp.example.com",
    "app。example。com",
    "xn--pp-7lc.example.com",
    "[::1]",
    "127.0.0.1",
    "localhost",
]
PATHS = [
    "./{path}",
    "x/../{path}",
    "..;/{path}",
    "%2e%2e/{path}",
    "%2e/{path}",
    "/{path}",
    "\\{path}",
    "{path}/../x",
    "oauth",
    "oauth/",
    "oauth/callback/",
    "oauth//callback",
    "oauth\\callback",
    "oauth%2fcallback",
    "oauth;x/callback",
    "{path}&redirect_uri=https://evil.example",
    "{path}?a=b",
    "{path};a=b",
]
SCHEMES = [
    "http",
    "HTTPS",
    "javascript",
    "data",
    "ftp",
    "com.example.app",
    "https+x",
    "https:https",
    "view-source:https",
]
ENDS = [
    "/",
    "/.",
    "/..",
    "?",
    "#",
    "#x",
    "&",
    "%00",
    "%0a",
    " ",
    "\t",
    "\r\n",
    "\x00",
    ".",
    ";",
    "*",
    "\u200b",
]


def mutations(uri: str) -> Iterator[str]:
    """URIs that look like `uri`, or that some parser takes for it."""
    scheme, rest = uri.split("://")
    host, path = rest.split("/", 1)
    for at, character in enumerate(uri):
        before, after = uri[:at], uri[at + 1 :]
        yield before + character.swapcase() + after
        yield before + after
        if at >= len(scheme) + 3:
            yield f"{before}%{ord(character):02x}{after}"
            yield f"{before}%25{ord(character):02x}{after}"
    for end in ENDS:
        yield from (uri + end, end + uri, f"{scheme}://{host}{end}/{path}")
    for other in HOSTS:
        yield f"{scheme}://{other.format(host=host)}/{path}"
    for other in PATHS:
        yield f"{scheme}://{host}/{other.format(path=path)}"
    for other in SCHEMES:
        yield f"{other}://{rest}"
    yield from (f"{scheme}:/{rest}", f"{scheme}:{rest}", f"{scheme}:///{rest}", f"//{rest}", f"://{rest}")
    yield from (f"{scheme}:\\{rest}", rest, "", scheme, host, f"{scheme}://{host}", f"{scheme}://{host}/")


MUTATIONS = sorted(set(mutations(REGISTERED)) - {REGISTERED})


def test_there_are_enough_of_them() -> None:
    assert len(MUTATIONS) >= 200


@pytest.mark.parametrize("native", [False, True], ids=["web", "native"])
@pytest.mark.parametrize("presented", MUTATIONS, ids=ascii)
def test_a_mutation_is_refused(presented: str, native: bool) -> None:
    assert not matches(presented, [REGISTERED], native=native)


def test_the_registered_one_is_not() -> None:
    assert matches(REGISTERED, ["https://other.example/", REGISTERED], native=False)


@pytest.mark.parametrize("port", ["", ":1", ":51004", ":65535"])
def test_a_native_client_may_listen_on_any_port(port: str) -> None:
    presented = f"http://127.0.0.1{port}/oauth/callback"
    assert matches(presented, [NATIVE], native=True)
    assert matches(presented, [NATIVE.replace("1/", "1:8080/")], native=True)
    assert matches(presented, [NATIVE], native=False) == (presented == NATIVE)


# The port is free; a colon with nothing after it, or too much, is no port.
OTHER_PORTS = {f"http://127.0.0.1:{port}/oauth/callback" for port in (443, 80, 8443)}
LOOPBACK_MUTATIONS = sorted(set(mutations(NATIVE)) - {NATIVE} - OTHER_PORTS)


@pytest.mark.parametrize("presented", LOOPBACK_MUTATIONS, ids=ascii)
def test_everything_else_of_a_loopback_uri_is_exact(presented: str) -> None:
    assert not matches(presented, [NATIVE], native=True)


@pytest.mark.parametrize(
    "presented",
    [
        "http://127.0.0.2/oauth/callback",
        "http://127.1/oauth/callback",
        "http://2130706433/oauth/callback",
        "http://0x7f000001/oauth/callback",
        "http://[::ffff:127.0.0.1]/oauth/callback",
        "http://[::1]/oauth/callback",
        "http://localhost:51004/oauth/callback",
        "http://127.0.0.1:123456/oauth/callback",
        "http://127.0.0.1:+80/oauth/callback",
        "http://127.0.0.1:80@evil.example/oauth/callback",
    ],
)
def test_another_loopback_is_another(presented: str) -> None:
    assert not matches(presented, [NATIVE], native=True)


# Registration: what is refused, and in which words ---------------------------------------------

REFUSED = [
    ("https://app.example/cb%00", "control character"),
    ("https://app.example/cb%0d%0aSet-Cookie:x", "control character"),
    ("https://app.example/cb%7F", "control character"),
    ("https://app.example/cb\r\nX: y", "control character"),
    ("https://app.example/c b", "control character"),
    ("https://app.example/cb\x00", "control character"),
    ("https://app.example/cb#here", "fragment"),
    ("https://app.example/cb#", "fragment"),
    ("https://app.example/cb?code=1", "must not have code"),
    ("https://app.example/cb?a=1&state=", "must not have state"),
    ("https://app.example/cb?iss", "must not have iss"),
    ("https://app.example/cb?error=x", "must not have error"),
    ("https://app.example/cb?%63ode=1", "must not have code"),
    ("https://app.example:0443/cb", "has a port"),
    ("https://app.example:0/cb", "has a port"),
    ("https://app.example:99999/cb", "has a port"),
    ("https://app.example:65536/cb", "has a port"),
    ("https://app.example:/cb", "has a port"),
    ("https://app.example:80:80/cb", "has a port"),
    ("https://app.example:+80/cb", "has a port"),
    ("http://[::1]:0/cb", "has a port"),
    ("https://user@app.example/cb", "user name"),
    ("https://user:pass@app.example/cb", "user name"),
    ("HTTPS://app.example/cb", "lower-case scheme"),
    ("https://App.example/cb", "lower case"),
    ("https://app.example\\@evil.example/cb", "backslash"),
    ("https://app.example/c\\b", "backslash"),
    ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/cb", "Punycode"),
    ("https://app.example/\N{CYRILLIC SMALL LETTER A}", "beyond ASCII"),
    ("https://app.example./cb", "dot at the end"),
    ("https://.app.example/cb", "name a host"),
    ("https:///cb", "name a host"),
    ("https://app.example/%2g", "may not hold"),
    ("https://*.example/cb", "wildcards"),
    ("https://app.example/a/%2e./cb", "in its path"),
]
REFUSED_OF_APPS = [
    ("com.example.app://user@host/cb", "user name"),
    ("com.example.app:user@host", "user name"),
    ("com.example.app:/cb?code=1", "must not have code"),
    ("com.example.app:/cb#x", "fragment"),
    ("com.example.app:/cb%0a", "control character"),
    ("COM.example.app:/cb", "lower-case scheme"),
    ("myapp:/cb", "private-use scheme"),
]


@pytest.mark.parametrize(("uri", "words"), REFUSED, ids=ascii)
def test_what_is_not_registered_is_said_why(uri: str, words: str) -> None:
    for native in (False, True):
        with pytest.raises(ValueError, match=words):
            check_redirect_uri(uri, native=native)


@pytest.mark.parametrize(("uri", "words"), REFUSED_OF_APPS, ids=ascii)
def test_an_apps_own_scheme_is_no_way_around(uri: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_redirect_uri(uri, native=True)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example",
        "https://app.example/",
        "https://app.example:8443/cb?tenant=7&to=a%20b",
        "https://app.example:65535/cb",
        "https://xn--bcher-kva.example/cb",
        "https://app.example/cb?encode=1&status=2&error.code=3",
        "https://app.example/@me/cb",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8000/cb",
        "https://[2001:db8::1]/cb",
    ],
)
def test_what_apps_need_is_registered(uri: str) -> None:
    check_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri", ["com.example.app:/cb", "com.example.app://callback/x", "com.example.app:/cb?a=b@c"]
)
def test_so_are_the_schemes_of_native_apps(uri: str) -> None:
    check_redirect_uri(uri, native=True)
