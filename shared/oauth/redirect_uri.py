"""Redirect URIs: strict at registration, exact at use (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1)."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

MAX_LENGTH: Final = 2000
LOOPBACK_IPS: Final = ("127.0.0.1", "[::1]")
_LOOPBACK_HOSTS: Final = (*LOOPBACK_IPS, "localhost")

# RFC 3986 characters less "*", so that nobody takes a wildcard for one.
_URI: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()+,;=%-]+")
_OURS: Final = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
"""What an answer adds to the query (RFC 6749 §4.1.2, RFC 9207 §2): there once, and by us."""
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]|%(?:[01][0-9A-Fa-f]|7[Ff])")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]"
)
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_PRIVATE_USE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?=[/?]|$)")


def check_redirect_uri(uri: str, *, native: bool = False) -> None:
    """May this URI be registered? Raises: ValueError, in words for the one who typed it."""
    if len(uri) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    _check_characters(uri)
    if "#" in uri:
        raise ValueError("must not have a fragment")
    scheme, colon, _ = uri.partition(":")
    if not colon or scheme != scheme.lower():
        raise ValueError("must begin with a lower-case scheme, such as https://")
    if scheme in ("http", "https"):
        _check_web_uri(uri, scheme)
    elif not (native and _PRIVATE_USE_SCHEME.fullmatch(scheme)):
        raise ValueError("must be https, or for a native app a private-use scheme (com.example.app:/…)")
    else:
        _check_private_use_uri(uri, scheme)
    taken = sorted({name for name, _ in parse_qsl(uri.partition("?")[2], keep_blank_values=True)} & _OURS)
    if taken:
        raise ValueError(f"must not have {taken[0]} in its query: the answer brings it")


def check_origin(origin: str) -> None:
    """May this be registered as a frontend origin (RFC 6454 §6.2)? Raises: ValueError."""
    check_redirect_uri(origin)
    scheme, host = origin.split("://", 1)
    if any(mark in host for mark in "/?"):
        raise ValueError("must be an origin: scheme, host and port, nothing after")
    if (scheme, host.rpartition(":")[2]) in (("https", "443"), ("http", "80")):
        raise ValueError("must leave out the default port, as browsers do")


def matches(presented: str, registered: Iterable[str], *, native: bool) -> bool:
    """Is the presented URI one of the registered, character by character (RFC 9700 §4.1.3)?

    The one exception: a native client's loopback IP may come with any port (RFC 8252 §7.3).
    """
    registered = tuple(registered)
    if presented in registered:
        return True
    if not native or not _is_plain_loopback(presented):
        return False
    portless = _without_port(presented)
    return any(_is_plain_loopback(uri) and _without_port(uri) == portless for uri in registered)


def _check_characters(uri: str) -> None:
    if not uri.isascii():
        raise ValueError("holds a letter beyond ASCII: write the host in Punycode (xn--…), the rest escaped")
    if _CONTROL.search(uri):
        raise ValueError("holds a space, a line break or another control character")
    if "\\" in uri:
        raise ValueError("holds a backslash, which some browsers take for a slash")
    if not _URI.fullmatch(uri) or _BAD_ESCAPE.search(uri):
        raise ValueError("holds a character that a URI may not hold (wildcards are not allowed)")


def _check_private_use_uri(uri: str, scheme: str) -> None:
    """RFC 8252 §7.1: the scheme, one slash, a path; some register a host after two."""
    if "@" in uri.removeprefix(f"{scheme}:").partition("?")[0]:
        raise ValueError("must not hold a user name or password")


def _check_web_uri(uri: str, scheme: str) -> None:
    if not uri.startswith(f"{scheme}://"):
        raise ValueError("must have :// after the scheme")
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise ValueError("has a host that cannot be read") from None
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    literal, bracket, rest = parts.netloc.rpartition("]")
    name, colon, port = rest.partition(":")
    host = literal + bracket + name
    if host != host.lower():
        raise ValueError("must name its host in lower case, as browsers do")
    if host.endswith("."):
        raise ValueError("must not have a dot at the end of its host")
    if not _HOST.fullmatch(host):
        raise ValueError("must name a host")
    if colon and not (_PORT.fullmatch(port) and int(port) <= 65535):
        raise ValueError("has a port that is none: leave it out, or write 1 to 65535 without a leading zero")
    if scheme == "http" and host not in _LOOPBACK_HOSTS:
        raise ValueError("must be https, unless it is on this machine (localhost, 127.0.0.1, [::1])")
    if any(segment in (".", "..") for segment in parts.path.lower().replace("%2e", ".").split("/")):
        raise ValueError("must not hold . or .. in its path")


def _is_plain_loopback(uri: str) -> bool:
    return _LOOPBACK.match(uri) is not None and _URI.fullmatch(uri) is not None and "#" not in uri


def _without_port(uri: str) -> str:
    return _LOOPBACK.sub(r"http://\1", uri, count=1)
