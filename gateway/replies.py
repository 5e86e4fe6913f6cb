"""What the gateway itself answers when it refuses, in the form the path's reader expects.

A client gets RFC 6749 §5.2's JSON, a script problem+json (RFC 9457), a person a page. Envoy's own
wording never leaves: it names clusters and reset reasons.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.routes import ROUTES, Kind, any_of

Json = Mapping[str, Any]

UNAVAILABLE_RETRY_S = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """One status: its name for programs, and for people a title and what to do."""

    status: int
    error: str
    title: str
    text: str


REFUSALS = (
    Refusal(400, "invalid_request", "Bad request", "The request cannot be read. Check the address."),
    Refusal(403, "access_denied", "Refused", "Upgrades are not offered here."),
    Refusal(404, "not_found", "Not found", "There is nothing at this address. Check that it is whole."),
    Refusal(405, "invalid_request", "Method not allowed", "This address does not answer that method."),
    Refusal(408, "invalid_request", "Request timed out", "The request took too long to arrive. Try again."),
    Refusal(413, "invalid_request", "Request too large", "The request body is larger than accepted here."),
    Refusal(426, "invalid_request", "HTTP/1.1 needed", "Speak HTTP/1.1 or HTTP/2."),
    Refusal(429, "temporarily_unavailable", "Too many requests", "Wait a moment and try again."),
    Refusal(431, "invalid_request", "Headers too large", "The address or the cookies are too long."),
    Refusal(501, "invalid_request", "Not implemented", "This transfer coding is not supported."),
    Refusal(
        503,
        "temporarily_unavailable",
        "Back in a moment",
        "The service is busy or starting. Try again in a few seconds.",
    ),
    Refusal(
        504,
        "temporarily_unavailable",
        "No answer in time",
        "The service took too long. Try again in a few seconds.",
    ),
)

# Early refusals have no request id yet, but every answer must have one.
_REQUEST_ID = '%COALESCE({"operators": [{"command": "REQ", "param": "X-REQUEST-ID"}, "UNIQUE_ID"]})%'

_EVERY = {"cache-control": "no-store", "x-content-type-options": "nosniff", "x-request-id": _REQUEST_ID}

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=True
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One of Envoy's local reply mappers. `paths` is None where the kind is the default one."""

    status: int
    paths: str | None
    headers: list[Json]
    body: Json


def replies(common: Mapping[str, str]) -> Iterator[Reply]:
    """Every refusal for every kind of path, the default kind last: Envoy takes the first that fits."""
    for kind in (Kind.API, Kind.PAGE, None):
        paths = kind and _paths(kind)
        for refusal in REFUSALS:
            body, own = _body(kind, refusal)
            if refusal.status == 503:
                own["retry-after"] = str(UNAVAILABLE_RETRY_S)
            headers = [header(*pair) for pair in {**common, **_EVERY, **own}.items()]
            yield Reply(refusal.status, paths, headers, body)


def header(name: str, value: str) -> Json:
    """A header that replaces whatever stood there."""
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _paths(kind: Kind) -> str:
    """`:path` still has its query here."""
    paths = tuple(path for route in ROUTES if route.kind is kind for path in route.paths)
    below = [re.escape(path[:-1]) + ".*" for path in paths if path.endswith("/*") and "{" not in path]
    return f"({'|'.join((any_of(paths), *below))})" + r"(\?.*)?"


def _body(kind: Kind | None, refusal: Refusal) -> tuple[Json, dict[str, str]]:
    request_id = "%RESP(X-REQUEST-ID)%"
    match kind:
        case Kind.API:
            problem = {
                "type": "about:blank",
                "title": refusal.title,
                "status": "%RESPONSE_CODE%",
                "detail": refusal.text,
                "request_id": request_id,
            }
            return {"json_format": problem, "content_type": "application/problem+json"}, {}
        case Kind.PAGE:
            page = _PAGES.get_template("error.html").render(title=refusal.title, text=refusal.text)
            body = {
                "text_format_source": {"inline_string": page},
                "content_type": "text/html; charset=utf-8",
            }
            return body, {"content-security-policy": _policy(page)}
        case _:
            error = {"error": refusal.error, "error_description": refusal.text, "request_id": request_id}
            return {"json_format": error, "content_type": "application/json"}, {}


def _policy(page: str) -> str:
    """Nothing may run or load on the page; its one style element is named by its hash (CSP3 §2.3.1)."""
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style, "the page has one style element"
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"{nothing}; style-src 'sha256-{digest}'"
