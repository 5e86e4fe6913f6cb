"""An issuer in process: discovery, JWKS, tokens, revocation, and a sign-in that approves at once.

It signs with a key that is made for the run. It rotates refresh tokens as the real one does: a retry within
the grace gets the same successor, a replay after it ends the family.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from mtas._driving import FAKES
from mtas.core.config import variable
from mtas.core.effects import Fetch, Fetched, Unreachable
from mtas.core.encoding import b64url, to_json

DEFAULT_USER: Final = {"sub": "user-1", "email": "ada@example.com", "email_verified": True, "name": "Ada"}


@cache
def _key(kid: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Family:
    """One sign-in, and the generation of its refresh token."""

    user: dict[str, Any]
    scope: str
    nonce: str | None
    audience: str
    generation: int = 0
    rotated_at: float = 0
    revoked: bool = False


@dataclass
class FakeIssuer(AbstractContextManager["FakeIssuer"]):
    """`with FakeIssuer() as issuer:` and every `create_mtas_auth` of that issuer talks to it.

    Its fields can be changed at any time: `away`, `kid`, `clock`, `access_token_ttl_s`, `on_request`.
    """

    issuer: str = "https://auth.test/t/app"
    app_id: str = "app"
    app_secret: str = "fake-app-secret"
    app_url: str = "http://localhost:8000"
    clock: Callable[[], float] = time.time
    access_token_ttl_s: int = 600
    grace_s: float = 10
    kid: str = "k1"
    away: bool = False
    on_request: Callable[[Fetch], Fetched | None] | None = None
    """Sees each request first; what it gives is the answer."""
    requests: list[Fetch] = field(default_factory=list)
    families: dict[str, Family] = field(default_factory=dict)
    _codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def __enter__(self) -> "FakeIssuer":
        FAKES[self.issuer] = self.answer
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        FAKES.pop(self.issuer, None)

    @property
    def config(self) -> dict[str, Any]:
        """Options for `create_mtas_auth`."""
        return {
            "issuer": self.issuer,
            "app_id": self.app_id,
            "app_secret": self.app_secret,
            "app_url": self.app_url,
            "cookie_secrets": "a-cookie-secret-for-tests-and-nothing-else",
        }

    @property
    def environ(self) -> dict[str, str]:
        """The same as environment variables."""
        return {variable(name): str(value) for name, value in self.config.items()}

    def approve(self, authorization_url: str, **claims: Any) -> str:
        """The user signs in. Returns the callback URL that the browser is sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        user = DEFAULT_USER | claims
        family_id, code = secrets.token_hex(8), secrets.token_urlsafe(16)
        audience = asked.get("resource", self.app_id)
        self.families[family_id] = Family(user, asked["scope"], asked.get("nonce"), audience)
        self._codes[code] = (family_id, asked)
        return self.callback(asked, code=code)

    def callback(self, asked: Mapping[str, str], **answer: str) -> str:
        answer = {"state": asked["state"], "iss": self.issuer} | answer
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def access_token(self, scope: str = "openid", **claims: Any) -> str:
        """A signed access token, for an API's tests."""
        return self._access_token({"sub": "user-1"} | claims, scope, self.app_id)

    def sign(self, typ: str, claims: Mapping[str, Any], kid: str | None = None) -> str:
        header = {"typ": typ, "alg": "ES256", "kid": kid or self.kid}
        signed = f"{b64url(to_json(header).encode())}.{b64url(to_json(claims).encode())}"
        der = _key(header["kid"]).sign(signed.encode(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(der)
        return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def answer(self, request: Fetch) -> Fetched:
        """In place of the network. Raises: Unreachable while `away`."""
        self.requests.append(request)
        if self.away:
            raise Unreachable
        answer = self.on_request(request) if self.on_request is not None else None
        return answer if answer is not None else self.respond(request)

    def respond(self, request: Fetch) -> Fetched:
        match request.url.removeprefix(self.issuer):
            case "/.well-known/openid-configuration":
                return self.json(200, self._metadata())
            case "/jwks.json":
                return self.json(200, {"keys": [self._jwk()]})
            case "/token":
                return self._token(request)
            case "/revoke":
                return self._revoke(request)
            case _:
                return self.json(404, {})

    def json(self, status: int, content: Any, **headers: str) -> Fetched:
        date = formatdate(self.clock(), usegmt=True)
        return Fetched(status, {"date": date, "cache-control": "max-age=300", **headers}, _bytes(content))

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks.json",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "end_session_endpoint": f"{self.issuer}/logout",
        }

    def _jwk(self) -> dict[str, Any]:
        numbers = _key(self.kid).public_key().public_numbers()
        x, y = (b64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": x, "y": y}

    def _authenticated(self, request: Fetch) -> bool:
        encoded = request.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        return (unquote_plus(user), unquote_plus(password)) == (self.app_id, self.app_secret)

    def _token(self, request: Fetch) -> Fetched:
        if not self._authenticated(request):
            return self.json(401, {"error": "invalid_client"})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form["grant_type"] == "authorization_code":
            return self._redeem(form)
        return self._refresh(form)

    def _redeem(self, form: Mapping[str, str]) -> Fetched:
        family_id, asked = self._codes.pop(form["code"], ("", {}))
        challenge = b64url(hashlib.sha256(form["code_verifier"].encode()).digest())
        if not family_id or asked["code_challenge"] != challenge:
            return self.json(400, {"error": "invalid_grant"})
        if asked["redirect_uri"] != form["redirect_uri"]:
            return self.json(400, {"error": "invalid_grant"})
        return self.json(200, self._tokens(family_id))

    def _refresh(self, form: Mapping[str, str]) -> Fetched:
        family_id, _, generation = form["refresh_token"].rpartition(".")
        family = self.families.get(family_id)
        if family is None or family.revoked:
            return self.json(400, {"error": "invalid_grant"})
        late = self.clock() - family.rotated_at > self.grace_s
        if int(generation) == family.generation:
            family.generation += 1
            family.rotated_at = self.clock()
        elif int(generation) != family.generation - 1 or late:
            family.revoked = True
            return self.json(400, {"error": "invalid_grant"})
        family.nonce = None
        return self.json(200, self._tokens(family_id))

    def _revoke(self, request: Fetch) -> Fetched:
        if not self._authenticated(request):
            return self.json(401, {"error": "invalid_client"})
        token = parse_qs(request.body.decode())["token"][0]
        family = self.families.get(token.rpartition(".")[0])
        if family is not None:
            family.revoked = True
        return self.json(200, {})

    def _tokens(self, family_id: str) -> dict[str, Any]:
        family = self.families[family_id]
        now = int(self.clock())
        access_token = self._access_token(family.user, family.scope, family.audience)
        id_claims = {
            **family.user,
            "iss": self.issuer,
            "aud": self.app_id,
            "iat": now,
            "exp": now + 600,
            "sid": family_id,
            "auth_time": now,
            "at_hash": b64url(hashlib.sha256(access_token.encode()).digest()[:16]),
            **({"nonce": family.nonce} if family.nonce else {}),
        }
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.access_token_ttl_s,
            "refresh_token": f"{family_id}.{family.generation}",
            "id_token": self.sign("JWT", id_claims),
            "scope": family.scope,
        }

    def _access_token(self, claims: Mapping[str, Any], scope: str, audience: str) -> str:
        now = int(self.clock())
        own = {
            "iss": self.issuer,
            "aud": audience,
            "iat": now,
            "exp": now + self.access_token_ttl_s,
            "client_id": self.app_id,
            "jti": secrets.token_urlsafe(8),
            "scope": scope,
        }
        return self.sign("at+jwt", own | {"sub": claims["sub"]} | _extra(claims))


def _extra(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in DEFAULT_USER}


def _bytes(content: Any) -> bytes:
    return json.dumps(content).encode()
