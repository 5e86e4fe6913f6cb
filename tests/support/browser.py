"""A browser as far as forms and redirects go: keeps cookies, fills forms, follows to a point."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)  # submit buttons with a name


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        elif self.found and tag in ("input", "textarea", "select") and "name" in attributes:
            if attributes.get("type") not in ("submit", "checkbox", "radio") or "checked" in attributes:
                self.found[-1].fields[attributes["name"]] = attributes.get("value", "")
        elif self.found and tag == "button" and "name" in attributes:
            self.found[-1].buttons.append((attributes["name"], attributes.get("value", "")))


def forms(page: httpx2.Response) -> list[Form]:
    parser = _Forms()
    parser.feed(page.text)
    return parser.found


class Browser:
    """One person's browser. `origin` is where the product is; anything else is "the app"."""

    def __init__(self, origin: str, **options: Any) -> None:
        self.origin = origin
        self.http = httpx2.Client(base_url=origin, follow_redirects=False, timeout=20, **options)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, url: str, **options: Any) -> httpx2.Response:
        """GET, following redirects as long as they stay at the product."""
        return self._follow(self.http.get(url, **options))

    def submit(
        self, page: httpx2.Response, values: dict[str, str], *, form: int = 0, **options: Any
    ) -> httpx2.Response:
        """Fill a form of `page` and submit it, as a browser on that page would."""
        chosen = forms(page)[form]
        target = urljoin(str(page.url), chosen.action)
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self.origin} | options.pop("headers", {})
        return self._follow(
            self.http.request(
                chosen.method.upper(), target, data=chosen.fields | values, headers=headers, **options
            )
        )

    def _follow(self, response: httpx2.Response) -> httpx2.Response:
        for _ in range(10):
            if response.status_code not in (302, 303, 307, 308):
                return response
            target = urljoin(str(response.url), response.headers["location"])
            if not target.startswith(self.origin + "/"):
                return response
            response = self.http.get(target)
        raise AssertionError(f"too many redirects at {response.url}")


def answer_at(response: httpx2.Response) -> dict[str, str]:
    """The parameters of an authorization response that a redirect carries to the app."""
    assert response.status_code == 303, (response.status_code, response.text[:500])
    return {
        name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()
    }
