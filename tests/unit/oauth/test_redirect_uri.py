"""Redirect URIs: nothing but the registered string, one exception apart (RFC 9700 §4.1.3, RFC 8252 §7.3)."""

from collections.abc import Iterator

import pytest

from shared.oauth.redirect_uri import matches

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
