"""The admin API, as the command line speaks to it."""

import ssl
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import click
import httpx2

from services.admin.cli.whereabouts import ServerAway, Whereabouts

_TIMEOUT_S: Final = 30.0


class Refused(click.ClickException):
    """The API said no, in a problem (RFC 9457)."""

    exit_code = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(_words(problem))
        self.problem: Final = problem


class Api:
    """Raises: Refused, ServerAway."""

    def __init__(self, whereabouts: Whereabouts, *, transport: httpx2.BaseTransport | None = None) -> None:
        self._url: Final = whereabouts.url
        try:
            verify = ssl.create_default_context(cafile=whereabouts.ca) if whereabouts.ca else True
        except OSError as error:
            raise click.UsageError(f"The CA {whereabouts.ca} cannot be read: {error.strerror}") from None
        self._client: Final = httpx2.Client(
            base_url=f"{whereabouts.url}/api/v1",
            headers={"Authorization": f"Bearer {whereabouts.token.reveal()}", "User-Agent": "mtas"},
            timeout=_TIMEOUT_S,
            verify=verify,
            transport=transport,
        )

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        return self._send("GET", path, params=parameters)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._send("POST", path, json=body) if body is not None else self._send("POST", path)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._send("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        self._send("DELETE", path)

    def items(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """All of a list, page by page."""
        while True:
            page = self.get(path, **parameters, limit="100")
            yield from page["items"]
            if page["next"] is None:
                return
            parameters["cursor"] = page["next"]

    def _send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise ServerAway(f"{self._url} does not answer: {error}") from None
        if response.status_code >= 500:
            raise ServerAway(f"{self._url} is not well ({response.status_code}). Try again in a moment.")
        if response.status_code == 204:
            return {}
        try:
            content: dict[str, Any] = response.json()
        except ValueError:
            raise ServerAway(f"{self._url} answers, but not as MTAS does. Is the address right?") from None
        if not response.is_success:
            raise Refused(content)
        return content


def part(text: str) -> str:
    """One segment of a path, whatever was typed."""
    return quote(text, safe="")


def _words(problem: dict[str, Any]) -> str:
    """Title and detail, then a line for each field."""
    lines = [f"{problem.get('title', 'Refused')}. {problem.get('detail', '')}".strip()]
    for error in problem.get("errors", ()):
        if error.get("detail") == problem.get("detail"):
            continue  # said already
        field = error.get("pointer", "").removeprefix("#/") or error.get("parameter", "")
        lines.append(f"  {field}: {error.get('detail', '')}" if field else f"  {error.get('detail', '')}")
    return "\n".join(lines)
