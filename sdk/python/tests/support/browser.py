"""A browser as far as the SDK meets one: keeps cookies, says Sec-Fetch, follows nothing by itself."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mtas.testing import FakeIssuer

Headers = list[tuple[str, str]]
NAVIGATE = {"sec-fetch-mode": "navigate", "sec-fetch-site": "none", "accept": "text/html"}
SAME_ORIGIN = {"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin", "accept": "*/*"}


@dataclass
class Reply:
    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each.lower() == name.lower()]

    @property
    def location(self) -> str:
        location = self.header("location")
        assert location is not None, (self.status, self.body)
        return location

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        assert self.header("content-type") == "application/problem+json", (self.status, self.body)
        return str(self.json["code"])


SendRequest = Callable[[str, str, Mapping[str, str]], Awaitable[Reply]]


@dataclass
class Browser:
    send: SendRequest
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, target: str, **headers: str) -> Reply:
        """A page load."""
        return await self.request("GET", target, NAVIGATE | _named(headers))

    async def fetch(self, target: str, method: str = "GET", **headers: str) -> Reply:
        """`fetch` from our own page."""
        return await self.request(method, target, SAME_ORIGIN | _named(headers))

    async def request(self, method: str, target: str, headers: Mapping[str, str]) -> Reply:
        reply = await self.send(method, target, {**headers, **self.cookie_header})
        self.take(reply)
        return reply

    @property
    def cookie_header(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}

    def take(self, reply: Reply) -> None:
        """Cookies as a browser takes them, and what no response that sets ours may lack."""
        lines = reply.all("set-cookie")
        if lines:
            assert reply.header("cache-control") == "no-store", reply.headers
        for line in lines:
            name, _, rest = line.partition("=")
            value, *attributes = (part.strip() for part in rest.split(";"))
            words = {attribute.lower() for attribute in attributes}
            assert {"path=/", "httponly", "samesite=lax"} <= words, line
            if "max-age=0" in words:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    async def sign_in(self, issuer: FakeIssuer, target: str = "/auth/login", **claims: Any) -> Reply:
        """From the login to the app's page."""
        begun = await self.get(target)
        assert begun.status == 303, (begun.status, begun.body)
        return await self.follow(issuer.approve(begun.location, **claims))

    async def follow(self, url: str) -> Reply:
        """Load a URL of the app."""
        parts = urlsplit(url)
        return await self.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
