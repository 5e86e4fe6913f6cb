"""Tokens as a client reads them: through discovery and JWKS with a stock library, or just looked at."""

import base64
from typing import Any
from uuid import UUID

import jwt

from tests.support.product import App, Product


def verified(product: Product, app: App, token: str, **options: Any) -> dict[str, Any]:
    """The claims, checked as RFC 9068 §4 and OpenID Connect Core §3.1.3.7 say, by PyJWT."""
    metadata = product.http.get(f"{app.issuer}/.well-known/openid-configuration").json()
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    algorithms = metadata["id_token_signing_alg_values_supported"]
    options = {"audience": app.app_id, "issuer": metadata["issuer"]} | options
    return dict(jwt.decode(token, key, algorithms=algorithms, **options))


def header(token: str) -> dict[str, Any]:
    return dict(jwt.get_unverified_header(token))


def claims_of(token: str) -> dict[str, Any]:
    """Unverified: for looking at what was issued."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def family_of(access_token: str) -> UUID:
    """The grant that it belongs to: `sid` is its id."""
    sid = str(claims_of(access_token)["sid"])
    return UUID(bytes=base64.urlsafe_b64decode(sid + "=="))
