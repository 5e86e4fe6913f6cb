"""A registered redirect URI, made almost right in two hundred ways."""

from collections.abc import Iterator

REGISTERED = "https://app.example/sign-in/callback?tenant=a"
_SCHEME, _HOST, _PATH, _QUERY = "https", "app.example", "/sign-in/callback", "tenant=a"
_REST = f"{_PATH}?{_QUERY}"


def mutations() -> dict[str, str]:
    """By what was done; none of them is the registered URI."""
    found: dict[str, str] = {}
    for part in (_schemes(), _authorities(), _hosts(), _paths(), _queries(), _characters()):
        for name, uri in part:
            assert name not in found, name
            assert uri != REGISTERED, name
            found[name] = uri
    return found


def _schemes() -> Iterator[tuple[str, str]]:
    for scheme in (
        "http",
        "HTTPS",
        "Https",
        "httpss",
        "https ",
        "javascript",
        "data",
        "file",
        "ftp",
        "ws",
        "wss",
    ):
        yield f"scheme {scheme!r}", f"{scheme}://{_HOST}{_REST}"
    for opening in ("", "//", "https:", "https:/", "https:///", "https:\\\\", "/\\/", "\\\\", ":", "https//"):
        yield f"opening {opening!r}", f"{opening}{_HOST}{_REST}"
    yield "path alone", _REST
    yield "query alone", f"?{_QUERY}"
    yield "script behind the scheme", f"javascript:alert(1)//{_HOST}{_REST}"
    yield "view-source", f"view-source:{REGISTERED}"
    yield "blob", f"blob:{REGISTERED}"


def _authorities() -> Iterator[tuple[str, str]]:
    for port in (":443", ":80", ":8443", ":0", ":", ":443:443", ":65536", ":+443", ":%34%34%33"):
        yield f"port {port}", f"https://{_HOST}{port}{_REST}"
    for before in (
        "user@",
        "user:password@",
        "@",
        ":@",
        "evil.example@",
        "evil.example%40",
        "evil.example\\@",
    ):
        yield f"before the host {before!r}", f"https://{before}{_HOST}{_REST}"
    for after in (
        "@evil.example",
        ":443@evil.example",
        "%40evil.example",
        "&@evil.example",
        "#@evil.example",
    ):
        yield f"after the host {after!r}", f"https://{_HOST}{after}{_REST}"


def _hosts() -> Iterator[tuple[str, str]]:
    hosts = (
        "evil.example", "app.example.evil.example", "app.examp1e", "app.example.", ".app.example",
        "app..example", "www.app.example", "xapp.example", "app.examplex", "app-example", "appXexample",
        "APP.EXAMPLE", "App.Example", "app.EXAMPLE", "example", "app", "*.app.example", "*.example", "*",
        "app.example%00.evil.example", "app.example%2eevil.example", "app%2eexample",
        "app.example%2f.evil.example", "app.example%5c.evil.example", "app.example\\.evil.example",
        "app.example\t.evil.example", "app.example .evil.example", "аpp.example", "app.exаmple",
        "xn--pp-6kc.example", "app。example", "app．example", "ａpp.example", "app\u200b.example",
        "app.example\u2024evil.example", "app.example;evil.example", "app.example,evil.example",
        "[app.example]", "127.0.0.1", "[::1]", "localhost", "0x7f000001", "2130706433", "169.254.169.254",
        "app.example!", "app.example'",
    )  # fmt: skip
    for host in hosts:
        yield f"host {host!r}", f"https://{host}{_REST}"


def _paths() -> Iterator[tuple[str, str]]:
    paths = (
        "", "/", "/sign-in", "/sign-in/", "/callback", "/sign-in/callback/", "//sign-in/callback",
        "/sign-in//callback", "/sign-in/callback//", "/sign-in/./callback", "/./sign-in/callback",
        "/sign-in/../sign-in/callback", "/sign-in/callback/.", "/sign-in/callback/..",
        "/sign-in/callback/../callback", "/sign-in/callback/../../evil", "/sign-in/callback/..;/evil",
        "/..;/sign-in/callback", "/sign-in;x=1/callback", "/sign-in/callback;x=1",
        "/sign-in/callback/%2e%2e/evil", "/sign-in/%2e/callback", "/%2e%2e/sign-in/callback",
        "/sign-in/callback%2f..%2fevil", "/sign-in%2fcallback", "/sign-in%2Fcallback",
        "/sign-in%5ccallback", "/sign-in\\callback", "\\sign-in\\callback", "/sign-in/callback\\",
        "/sign-in/callback\\..\\evil", "/sign-in/callback%00", "/sign-in/callback%0d%0a",
        "/sign-in/callback%09", "/sign-in/callback%20", "/sign-in/callback+", "/sign-in/callback.",
        "/sign-in/callback~", "/sign-in/callback*", "/sign-in/*", "/*", "/SIGN-IN/CALLBACK",
        "/Sign-in/callback", "/sign-in/Callback", "/sign-in/callbac", "/sign-in/callbackx",
        "/sign%2din/callback", "/sign-in/%63allback", "/%73ign-in/callback", "/sign-in/callback/evil",
        "/sign-in/callback@evil.example", "/sign-in/callback:443", "/sign-in/cаllback",
        "/sign-in/callback%E2%80%8B", "/sign-in/call\u200bback", "/sign-in/callback%252e%252e",
        "/sign-in/callback%c0%ae%c0%ae", "/redirect",
    )  # fmt: skip
    for path in paths:
        yield f"path {path!r}", f"https://{_HOST}{path}?{_QUERY}"


def _queries() -> Iterator[tuple[str, str]]:
    queries = (
        "", "?", "?tenant", "?tenant=", "?tenant=b", "?tenant=A", "?TENANT=a", "?tenant=a&", "?&tenant=a",
        "?tenant=a&x=1", "?x=1&tenant=a", "?tenant=a&tenant=a", "?tenant=a&tenant=b", "?tenant=a;x=1",
        "?tenant=%61", "?%74enant=a", "?tenant=a%00", "?tenant=a+", "?tenant=a%20", "??tenant=a",
        "?tenant=a?", "?tenant==a", "?tenant[]=a", "?tenant=a#", "?tenant=a#fragment", "#?tenant=a", "#",
        "?tenant=a%23", "&tenant=a", "?tenant=a&next=//evil.example", "?tenant=a/../../evil", "?tenant=*",
        "?*",
    )  # fmt: skip
    for query in queries:
        yield f"query {query!r}", f"https://{_HOST}{_PATH}{query}"


def _characters() -> Iterator[tuple[str, str]]:
    """Around the URI: what one parser drops and the next one keeps."""
    for character in (
        " ",
        "\t",
        "\n",
        "\r\n",
        "\x00",
        "\x0b",
        "\x1f",
        "\x7f",
        "\u00a0",
        "\u2028",
        "\ufeff",
        "\\",
        ".",
    ):
        yield f"{character!r} before", character + REGISTERED
        yield f"{character!r} behind", REGISTERED + character
    yield "in angle brackets", f"<{REGISTERED}>"
    yield "in quotes", f'"{REGISTERED}"'
    yield "twice, comma", f"{REGISTERED},{REGISTERED}"
    yield "twice, space", f"{REGISTERED} {REGISTERED}"
    yield "upper case", REGISTERED.upper()
    yield "escaped once more", REGISTERED.replace(":", "%3A").replace("/", "%2F")
    yield "very long", REGISTERED + "a" * 5000
