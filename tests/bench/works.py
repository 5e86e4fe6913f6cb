"""The requests of each kind of work, and a first look at every answer."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

from tests.bench.plan import BY_RANK, CONNECTIONS, EVENLY
from tests.bench.world import PASSWORD, REDIRECT_URI, VERIFIER, Client, Devices, Tenant, User

T = TypeVar("T")

_ACCESS: Final = b'"access_token":"'
_REFRESH: Final = b'"refresh_token":"'
_ID: Final = b'"id_token":"'
_FORM_TOKEN: Final = re.compile(rb'name="form_token" value="([A-Za-z0-9_-]+)"')
_BROWSER: Final = re.compile(rb"(?i)set-cookie: (mtas_browser=[A-Za-z0-9_-]+)")


class Host:
    """Renders requests for one origin."""

    def __init__(self, authority: str) -> None:
        self._common = f"Host: {authority}\r\nUser-Agent: mtas-bench\r\n"

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self._common}Accept: */*\r\n\r\n".encode()

    def post(
        self, path: str, form: dict[str, str], *, client: Client | None = None, cookie: str = ""
    ) -> bytes:
        body = urlencode(form)
        lines = [
            *([f"Authorization: Basic {client.basic}"] if client else []),
            *([f"Cookie: {cookie}"] if cookie else []),
            "Accept: application/json" if client else "Accept: text/html",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        return (f"POST {path} HTTP/1.1\r\n{self._common}" + "\r\n".join(lines) + f"\r\n\r\n{body}").encode()

    def redeem(self, tenant: Tenant, client: Client, code: str) -> bytes:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return self.post(f"/t/{tenant.slug}/token", form, client=client)

    def refresh(self, tenant: Tenant, client: Client, refresh_token: str) -> bytes:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post(f"/t/{tenant.slug}/token", form, client=client)


class Chain:
    """One family: its newest refresh token and access token."""

    __slots__ = ("access_token", "client", "refresh_token", "tenant")

    def __init__(self, tenant: Tenant, client: Client) -> None:
        self.tenant = tenant
        self.client = client
        self.refresh_token = b""
        self.access_token = b""

    def take(self, response: bytes, body_at: int) -> bool:
        """Remember the tokens of an answer. False unless both are there and the refresh token is new."""
        access, refresh = value(response, _ACCESS, body_at), value(response, _REFRESH, body_at)
        if not access or not refresh or refresh == self.refresh_token:
            return False
        self.access_token, self.refresh_token = access, refresh
        return True


def value(response: bytes, name: bytes, start: int) -> bytes:
    """A string member of a JSON answer, found by its bytes: tokens hold nothing that is escaped."""
    at = response.find(name, start)
    if at < 0:
        return b""
    at += len(name)
    return response[at : response.find(b'"', at)]


def share(items: Sequence[object], number: int) -> list[int]:
    """The places of the items that one of the connections takes; each item is one connection's."""
    return list(range(number, len(items), CONNECTIONS))


def spread(tenants: Sequence[Tenant]) -> list[tuple[Tenant, int]]:
    """A place for every connection at least, and for every tenant: the tenant, and the how-manieth of it."""
    count = max(CONNECTIONS, len(tenants))
    return [(tenants[place % len(tenants)], place // len(tenants)) for place in range(count)]


class Order(Protocol):
    """In which what a connection has is asked for; it goes on for ever."""

    def __call__(self, items: Sequence[T], /) -> Iterator[T]: ...


def evenly(items: Sequence[T]) -> Iterator[T]:
    """At random, each as likely as any other: nothing that a cache could know helps it."""
    chance = random.Random(len(items))
    while True:
        yield chance.choice(items)


def by_rank(items: Sequence[T]) -> Iterator[T]:
    """At random, the n-th one n-th as often as the first (Zipf's law): a few have most of it."""
    chance = random.Random(len(items))
    shares = list(accumulate(1 / rank for rank in range(1, len(items) + 1)))
    while True:
        yield chance.choices(items, cum_weights=shares)[0]


ORDERS: Final[dict[str, Order]] = {EVENLY: evenly, BY_RANK: by_rank}


class Repeated:
    """Requests that can be sent any number of times."""

    def __init__(
        self,
        requests: Iterable[tuple[Tenant, bytes]],
        marker: bytes,
        *,
        status: int = 200,
        order: Order = evenly,
    ) -> None:
        listed = list(requests)
        self._requests: Iterator[tuple[Tenant, bytes]] = order(listed)
        self._marker = marker
        self._status = status
        self._tenant: Tenant = listed[0][0]

    def request(self) -> bytes | None:
        self._tenant, request = next(self._requests)
        return request

    def answer(self, status: int, response: bytes, body_at: int) -> bool:
        return status == self._status and response.find(self._marker) >= 0

    def subject(self) -> object:
        return self._tenant


class Once(Repeated):
    """The same, each sent once."""

    def __init__(self, requests: Iterable[tuple[Tenant, bytes]], marker: bytes) -> None:
        listed = list(requests)
        super().__init__(listed, marker)
        self._requests = iter(listed)

    def request(self) -> bytes | None:
        following = next(self._requests, None)
        if following is None:
            return None
        self._tenant, request = following
        return request


class Redeemed:
    """Codes to exchange, each once; a chain begins where one is given."""

    def __init__(self, requests: Iterable[tuple[Tenant, bytes, Chain | None]]) -> None:
        self._requests = iter(requests)
        self._tenant: Tenant | None = None
        self._chain: Chain | None = None

    def request(self) -> bytes | None:
        following = next(self._requests, None)
        if following is None:
            return None
        self._tenant, request, self._chain = following
        return request

    def answer(self, status: int, response: bytes, body_at: int) -> bool:
        complete = all(response.find(name, body_at) >= 0 for name in (_ACCESS, _REFRESH, _ID))
        if status != 200 or not complete:
            return False
        return self._chain is None or self._chain.take(response, body_at)

    def subject(self) -> object:
        return self._tenant


class Refreshed:
    """Chains, each one's newest token."""

    def __init__(self, host: Host, chains: Sequence[Chain], order: Order, *, with_id_token: bool) -> None:
        # All that a request is but its token, whose length never changes.
        self._chains = order(
            [
                (chain, host.refresh(chain.tenant, chain.client, token).removesuffix(token.encode()))
                for chain in chains
                for token in [chain.refresh_token.decode()]
            ]
        )
        self._with_id_token = with_id_token
        self._chain = chains[0]

    def request(self) -> bytes | None:
        self._chain, head = next(self._chains)
        return head + self._chain.refresh_token

    def answer(self, status: int, response: bytes, body_at: int) -> bool:
        if status != 200 or not self._chain.take(response, body_at):
            return False
        return (response.find(_ID, body_at) >= 0) == self._with_id_token

    def subject(self) -> object:
        return self._chain.tenant


class Forms:
    """Opens sign-in pages, and keeps what it takes to send their forms, each from a device of its user's."""

    def __init__(self, host: Host, devices: Devices, places: Sequence[tuple[Tenant, User]]) -> None:
        self._host = host
        self._devices = devices
        self._places = iter(places)
        self._place: tuple[Tenant, User] | None = None
        self.filled: list[tuple[Tenant, bytes]] = []

    def request(self) -> bytes | None:
        self._place = next(self._places, None)
        return None if self._place is None else self._host.get(f"/t/{self._place[0].slug}/login")

    def answer(self, status: int, response: bytes, body_at: int) -> bool:
        token, cookie = _FORM_TOKEN.search(response, body_at), _BROWSER.search(response, 0, body_at)
        if status != 200 or not token or not cookie or not self._place:
            return False
        tenant, user = self._place
        form = {"form_token": token[1].decode(), "email": user.email, "password": PASSWORD}
        cookies = f"{cookie[1].decode()}; {self._devices.cookie(tenant, user)}"
        request = self._host.post(f"/t/{tenant.slug}/login", form, cookie=cookies)
        self.filled.append((tenant, request))
        return True

    def subject(self) -> object:
        return self._place[0] if self._place else None
