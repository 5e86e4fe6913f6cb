"""A sample of the answers, verified as a client and an API would (RFC 9068 §4, OIDC Core §3.1.3.7).

With PyJWT, which the services don't use: a benchmark of wrong answers is worth nothing.
"""

import base64
import hashlib
import http.client
import json
from collections.abc import Iterable
from typing import Any

import jwt

from tests.bench.world import NONCE, Tenant


class WrongAnswer(Exception):
    """An answer came with the right status and is wrong all the same."""


class Proof:
    """Verifies answers against the JWKS that the product publishes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._jwks: dict[str, jwt.PyJWKSet] = {}

    def check(self, work: str, samples: Iterable[tuple[object, bytes]]) -> int:
        """How many were right. Raises: WrongAnswer for the first that is not."""
        count = 0
        for tenant, response in samples:
            assert isinstance(tenant, Tenant)
            try:
                self._check(work, tenant, response)
            except (AssertionError, KeyError, ValueError, jwt.PyJWTError) as error:
                raise WrongAnswer(
                    f"{work} at {tenant.slug}: {type(error).__name__} {error} in {response[:2000]!r}"
                ) from error
            count += 1
        return count

    def _check(self, work: str, tenant: Tenant, response: bytes) -> None:
        head, _, body = response.partition(b"\r\n\r\n")
        if work == "sign_in":
            assert head.startswith(b"HTTP/1.1 303")
            assert f"/t/{tenant.slug}/account".encode() in head
            return
        content = json.loads(body)
        if work == "jwks":
            kids = {key["kid"] for key in content["keys"]}
            assert kids == {key.key_id for key in self._keys(tenant).keys}
            assert not any("d" in key for key in content["keys"])
        elif work == "introspect":
            assert content["active"] is True
            assert content["client_id"] == tenant.plain.client_id
            assert content["iss"] == tenant.issuer
        else:
            self._check_tokens(work, tenant, content)

    def _check_tokens(self, work: str, tenant: Tenant, content: dict[str, Any]) -> None:
        client = tenant.with_id_token if work == "refresh_id_token" else tenant.plain
        header, claims = self._verified(tenant, content["access_token"], audience=tenant.slug)
        assert header["typ"] == "at+jwt"
        assert claims["client_id"] == client.client_id
        assert content["token_type"] == "Bearer"
        if work == "client_credentials":
            assert claims["sub"] == client.client_id
            assert "refresh_token" not in content
            return
        assert claims["sub"] in {str(user.user_id) for user in tenant.users}
        assert content["refresh_token"].startswith("mtas_rt_")
        if work == "refresh":
            assert "id_token" not in content
            return
        header, id_claims = self._verified(tenant, content["id_token"], audience=client.client_id)
        assert header["typ"] == "JWT"
        assert id_claims["sub"] == claims["sub"]
        assert id_claims["at_hash"] == _half_hash(content["access_token"])
        assert work != "code" or id_claims["nonce"] == NONCE

    def _verified(
        self, tenant: Tenant, token: str, *, audience: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        header = jwt.get_unverified_header(token)
        key = self._keys(tenant)[header["kid"]]
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=tenant.issuer)
        return header, claims

    def _keys(self, tenant: Tenant) -> jwt.PyJWKSet:
        if tenant.slug not in self._jwks:
            connection = http.client.HTTPConnection(*self._address, timeout=10)
            try:
                connection.request("GET", f"/t/{tenant.slug}/jwks.json")
                self._jwks[tenant.slug] = jwt.PyJWKSet.from_json(connection.getresponse().read().decode())
            finally:
                connection.close()
        return self._jwks[tenant.slug]


def _half_hash(access_token: str) -> str:
    digest = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
