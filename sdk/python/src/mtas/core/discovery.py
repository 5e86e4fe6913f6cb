"""Where the server's endpoints are (OpenID Connect Discovery 1.0 §4): same issuer, same origin."""

from dataclasses import dataclass
from typing import Any, Final

from mtas.core.origin import parse_url

_REQUIRED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL: Final = ("revocation_endpoint", "end_session_endpoint")


@dataclass(frozen=True, slots=True)
class Metadata:
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str | None
    end_session_endpoint: str | None


def discovery_url(issuer: str) -> str:
    return f"{issuer}/.well-known/openid-configuration"


def read_metadata(document: object, issuer: str) -> Metadata:
    """Raises: ValueError when the document is not this issuer's, or leads to another origin."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ValueError("its issuer is not the configured one")
    origin = parse_url(issuer).origin
    for name in (*_REQUIRED, *_OPTIONAL):
        endpoint = document.get(name)
        if endpoint is None and name in _OPTIONAL:
            continue
        if not isinstance(endpoint, str) or not _has_origin(endpoint, origin):
            raise ValueError(f"its {name} is not a URL of the issuer's origin")
    fields: dict[str, Any] = {name: document.get(name) for name in (*_REQUIRED, *_OPTIONAL)}
    return Metadata(**fields)


def _has_origin(url: str, origin: str) -> bool:
    try:
        return parse_url(url).origin == origin
    except ValueError:
        return False
