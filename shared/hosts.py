"""Several hosts in one URL, as libpq knows it: `scheme://user:password@a:1,b:2/rest`.

PostgreSQL among several is the one that takes writes: the primary, wherever it is now.
"""

from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import asyncpg

_NOT_THIS_ONE: Final = (
    OSError,  # nobody there, or no answer in time
    asyncpg.CannotConnectNowError,  # starting up, or going
    asyncpg.TargetServerAttributeNotMatched,  # a standby
    asyncpg.ConnectionDoesNotExistError,  # died at that very moment
)
_WRITABLE: Final = "target_session_attrs=read-write"


def each_host(url: str) -> list[SplitResult]:
    """The same URL once for each of its hosts, with the same user, password, path and query."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{user}{at}{host}") for host in hosts.split(",")]


def nats_options(url: str) -> dict[str, Any]:
    """For `Client.connect`. User and password stand beside the servers, not in each one's URL: so they hold,
    too, for those of a cluster that the client is told of only once it is connected."""
    hosts = each_host(url)
    bare = [host._replace(netloc=host.netloc.rpartition("@")[2]).geturl() for host in hosts]
    if hosts[0].password is None:
        return {"servers": bare if hosts[0].username is None else [host.geturl() for host in hosts]}
    return {"servers": bare, "user": hosts[0].username, "password": hosts[0].password}


class Primary:
    """Where the database takes writes now.

    Each host has a time of its own, since a machine that is gone answers nothing, not even "no"; and the one
    that was right the last time is asked first.
    """

    def __init__(self, url: str, *, timeout_s: float, former_password: str = "") -> None:
        """`timeout_s`: for one host, or shared by several. `former_password`: where the URL's is refused."""
        self._urls: Final = [host.geturl() for host in each_host(url)]
        if len(self._urls) > 1 and "target_session_attrs=" not in url:
            self._urls[:] = [f"{each}{'&' if '?' in each else '?'}{_WRITABLE}" for each in self._urls]
        self._timeout_s: Final = timeout_s / len(self._urls)
        self._former_password: Final = former_password

    async def connect(self, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
        """`options` are asyncpg's. Raises: the last host's error, or at once what another host would say too
        (`asyncpg.InvalidPasswordError`)."""
        for number, url in enumerate(list(self._urls), start=1):
            try:
                connection = await self._let_in(url, options)
            except _NOT_THIS_ONE:
                if number == len(self._urls):
                    raise
            else:
                self._urls.remove(url)
                self._urls.insert(0, url)
                return connection
        raise AssertionError("a URL has at least one host")

    async def _let_in(self, url: str, options: dict[str, Any]) -> "asyncpg.Connection[asyncpg.Record]":
        try:
            return await asyncpg.connect(url, timeout=self._timeout_s, **options)
        except asyncpg.InvalidPasswordError:
            if not self._former_password:
                raise
        former: Final = self._former_password
        return await asyncpg.connect(url, password=former, timeout=self._timeout_s, **options)
