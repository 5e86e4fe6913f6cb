"""URLs as the configuration and discovery may name them: absolute, canonical, https or on this machine."""

import re
from dataclasses import dataclass
from typing import Final

_URL: Final = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?)(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[^#\s\\]*)?",
    re.ASCII,
)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORT: Final = {"https": "443", "http": "80"}


@dataclass(frozen=True, slots=True)
class Url:
    origin: str
    path: str
    query: str


def parse_url(text: str) -> Url:
    """An absolute http(s) URL in its canonical form, no user, no fragment. Raises: ValueError, in words."""
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError("is not a URL like https://host/path, in lower case, without user or fragment")
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is not None and (not 0 < int(port) < 65536 or port.startswith("0")):
        raise ValueError("has a port that does not exist")
    if port == _DEFAULT_PORT[scheme]:
        raise ValueError("must leave out the default port, as browsers do")
    if scheme == "http" and host not in _LOOPBACK:
        raise ValueError("must be https, unless it is on this machine (localhost, 127.0.0.1, [::1])")
    return Url(match["origin"], match["path"] or "", match["query"] or "")
