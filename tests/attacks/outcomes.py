"""What an attack meets: one assertion an outcome, by the letters of the threat list.

P0 a page and no redirect · R an error to the registered URI · T an error of the token endpoint ·
A no such client, whatever the cause · F the family is dead and the audit log says so · X not
there, exactly like what never was · V a token that nobody takes · S come back later.
"""

from typing import Any

import httpx2

from tests.support.browser import answer_at
from tests.support.eventually import eventually
from tests.support.product import App, Product
from tests.support.tokens import family_of

TOKENS = {"access_token", "refresh_token", "id_token"}


def P0(response: httpx2.Response) -> None:
    """400, a page, and nothing that leads anywhere or is remembered (RFC 6749 §4.1.2.1)."""
    assert response.status_code == 400, (response.status_code, dict(response.headers))
    assert response.headers["content-type"].startswith("text/html")
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers


def R(response: httpx2.Response, error: str, client: App, *, state: str | None = "s-1") -> None:
    """The error, the state and the issuer, at the registered URI, and nothing else."""
    assert response.headers["location"].partition("?")[0] == client.redirect_uri.partition("?")[0]
    answer = answer_at(response)
    description = answer.pop("error_description", "")
    assert '"' not in description
    assert answer == {"error": error, "iss": client.issuer} | ({} if state is None else {"state": state})


def T(response: httpx2.Response, error: str) -> None:
    """400 in the form of RFC 6749 §5.2; nobody keeps it, and nothing was issued."""
    assert response.status_code == 400, (response.status_code, response.text)
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"error", "error_description"}
    assert response.json()["error"] == error


def A(response: httpx2.Response) -> None:
    """401, the same to the letter for every cause (RFC 6749 §5.2)."""
    assert response.status_code == 401, (response.status_code, response.text)
    assert response.json() == {
        "error": "invalid_client",
        "error_description": "client authentication failed",
    }
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert response.headers["cache-control"] == "no-store"


def F(product: Product, client: App, response: httpx2.Response, access_token: str, reason: str) -> None:
    """invalid_grant, and by then the family of `access_token` is revoked; the event says why."""
    T(response, "invalid_grant")
    dead(product, client, access_token)
    assert eventually(lambda: revocations(product, client, access_token)) == [reason]


def X(response: httpx2.Response, nonexistent: httpx2.Response) -> None:
    """404, in nothing different from the answer for an id that never was."""
    assert response.status_code == 404, (response.status_code, response.text)
    assert _without_request_id(response) == _without_request_id(nonexistent)


def V(product: Product, client: App, token: str) -> None:
    """No endpoint takes it for an access token of this tenant."""
    assert product.introspect(client, token) == {"active": False}
    refused = product.http.post(f"{client.issuer}/userinfo", data={"access_token": token})
    assert refused.status_code == 401, refused.text
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert refused.json().keys() == {"error", "error_description"}


def S(response: httpx2.Response) -> None:
    """503, when to come back, and nothing half-given."""
    assert response.status_code == 503, (response.status_code, response.text)
    assert int(response.headers["retry-after"]) > 0
    assert "location" not in response.headers
    if response.headers["content-type"].startswith("application/json"):
        assert not TOKENS & response.json().keys()


def dead(product: Product, client: App, access_token: str) -> None:
    """The family of this access token is revoked."""
    if client.client_secret is not None:
        assert not product.is_active(client, access_token)
    assert product.userinfo(client, access_token).status_code == 401


def revocations(product: Product, client: App, access_token: str) -> list[str]:
    """Why the audit log says that the family of this token was revoked."""
    family_id = str(family_of(access_token))
    events = product.events(client, "family.revoked")
    return [event["data"]["reason"] for event in events if event["subject"] == family_id]


def _without_request_id(response: httpx2.Response) -> tuple[Any, ...]:
    if response.headers["content-type"].startswith("text/html"):
        body: Any = response.text.replace(response.headers["x-request-id"], "")
    else:
        body = {name: value for name, value in response.json().items() if name != "request_id"}
    return response.status_code, response.headers["content-type"], body
