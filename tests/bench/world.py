"""Tenants to measure with: rows as the services would have written them, and real keys.

Tenant n is the same whatever the number of tenants: more are added, none changes. To make ten
thousand of them in seconds, two things are not as they should be, and cost the services the same
to use: users share one password, hashed once; and the signing keys, all different and each sealed
for its tenant under the product's key-encryption key, are pairs out of a few primes.
"""

import asyncio
import base64
import hashlib
import math
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Final
from uuid import UUID, uuid4

import argon2
import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from deploy.local.stack import Stack
from shared.clock import random_bytes
from shared.keys import LocalKeySealer, parse_keys
from shared.known_devices import KnownDevices
from shared.oauth import client_secret
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant, generate_code
from shared.oauth.scope import USER_SCOPE
from shared.oauth.types import ClientType
from shared.secret import Secret, b64url
from shared.valkey import Valkey, open_valkey
from tests.bench.plan import CONNECTIONS

REDIRECT_URI: Final = "https://app.example/callback"
VERIFIER: Final = "a-code-verifier-of-more-than-forty-three-characters"
CHALLENGE: Final = b64url(hashlib.sha256(VERIFIER.encode()).digest())
_EXPONENT: Final = 65537
NONCE: Final = "n-0S6_WzA2Mj"
SCOPE: Final = ("openid", "email", "profile")
PASSWORD: Final = "paper lanterns over the harbour"
HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
"""As `shared.passwords`: what was hashed otherwise would be hashed anew at its first sign-in."""
CODE_TTL: Final = timedelta(seconds=300)
ACCESS_TOKEN_TTL_S: Final = 4 * 3600
"""Longer than a run, for those that are introspected at its end."""


class Client(msgspec.Struct, frozen=True):
    """A confidential web client."""

    client_id: str
    secret: str

    @property
    def basic(self) -> str:
        return base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()


class User(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str


class Tenant(msgspec.Struct, frozen=True):
    number: int
    tenant_id: UUID
    slug: str
    issuer: str
    plain: Client
    with_id_token: Client
    """Its refreshes answer with an id_token too."""
    users: tuple[User, ...]


class World:
    """All tenants so far."""

    def __init__(self) -> None:
        self.tenants: list[Tenant] = []
        self._keys = _Keys()
        self._password_hash = ""

    async def grow(self, stack: Stack, size: int) -> None:
        """Add tenants until there are `size`."""
        first = len(self.tenants)
        if size <= first:
            return
        if not self._password_hash:
            self._password_hash = HASHER.hash(PASSWORD)
        await self._keys.ensure(size)
        added = [_tenant(number, stack.public_url) for number in range(first, size)]
        sealer = LocalKeySealer(parse_keys(Secret(stack.secrets["key-encryption-keys"])))
        await self._insert(stack.postgres.superuser_url, added, sealer)
        self.tenants += added

    async def _insert(self, url: str, added: list[Tenant], sealer: LocalKeySealer) -> None:
        now = datetime.now(UTC)
        clients = [(tenant, client) for tenant in added for client in (tenant.plain, tenant.with_id_token)]
        users = [(tenant, user) for tenant in added for user in tenant.users]
        tables: dict[str, list[dict[str, object]]] = {
            "admin.tenants": [
                {
                    "tenant_id": tenant.tenant_id,
                    "slug": tenant.slug,
                    "name": tenant.slug,
                    "issuer": tenant.issuer,
                    "access_token_ttl_s": ACCESS_TOKEN_TTL_S,
                    "created_at": now,
                    "updated_at": now,
                }
                for tenant in added
            ],
            "admin.clients": [
                {
                    "tenant_id": tenant.tenant_id,
                    "client_id": client.client_id,
                    "name": client.client_id,
                    "client_type": ClientType.WEB.value,
                    "is_confidential": True,
                    "redirect_uris": [REDIRECT_URI],
                    "grant_types": [grant.value for grant in ClientType.WEB.grant_types],
                    "allowed_scope": list(USER_SCOPE),
                    "refresh_by_default": True,
                    "id_token_on_refresh": client is tenant.with_id_token,
                    "created_at": now,
                    "updated_at": now,
                }
                for tenant, client in clients
            ],
            "admin.client_secrets": [
                {
                    "tenant_id": tenant.tenant_id,
                    "client_id": client.client_id,
                    "secret_hash": client_secret.hash_secret(client.secret),
                    "created_at": now,
                }
                for tenant, client in clients
            ],
            "authorize.users": [
                {
                    "tenant_id": tenant.tenant_id,
                    "user_id": user.user_id,
                    "email": user.email,
                    "email_key": user.email,
                    "email_verified": True,
                    "name": "Ada Lovelace",
                    "grants_valid_from": now - timedelta(days=1),
                    "created_at": now,
                    "updated_at": now,
                }
                for tenant, user in users
            ],
            "authorize.credentials": [
                {
                    "tenant_id": tenant.tenant_id,
                    "user_id": user.user_id,
                    "password_hash": self._password_hash,
                    "updated_at": now,
                }
                for tenant, user in users
            ],
            "jwks.signing_keys": [
                await _signing_key(sealer, tenant.tenant_id, self._keys.key(tenant.number), now)
                for tenant in added
            ],
        }
        connection = await asyncpg.connect(url)
        try:
            # All at once: a tenant without its key would be given one by the jwks service.
            async with connection.transaction():
                for table, rows in tables.items():
                    await _copy(connection, table, rows)
            await connection.execute("analyze")
        finally:
            await connection.close()


async def _signing_key(
    sealer: LocalKeySealer, tenant_id: UUID, private: RSAPrivateKey, now: datetime
) -> dict[str, object]:
    jwk = RSAKey(private, private)
    kid = jwk.thumbprint()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    kek_id, sealed = await sealer.seal(der, tenant_id, kid)
    public = {**jwk.as_dict(private=False), "kid": kid, "alg": "RS256", "use": "sig"}
    return {
        "tenant_id": tenant_id,
        "kid": kid,
        "alg": "RS256",
        "state": "active",
        "public_jwk": msgspec.json.encode(public).decode(),
        "sealed_private_key": sealed,
        "kek_id": kek_id,
        "longest_ttl_s": ACCESS_TOKEN_TTL_S,
        "created_at": now,
        "activates_at": now,
    }


class Codes:
    """Authorization codes, written to Valkey as the authorize service does."""

    def __init__(self, stack: Stack) -> None:
        self._valkey: Valkey = open_valkey(Secret(stack.environment("authorize")["MTAS_VALKEY_URL"]))

    async def close(self) -> None:
        await self._valkey.aclose()

    async def issue(self, wanted: list[tuple[Tenant, Client, User]]) -> list[str]:
        """A code for each."""
        codes: list[str] = []
        for start in range(0, len(wanted), 1_000):
            now = datetime.now(UTC)
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for tenant, client, user in wanted[start : start + 1_000]:
                    code = generate_code(random_bytes).reveal()
                    grant = CodeGrant(
                        client_id=client.client_id,
                        redirect_uri=REDIRECT_URI,
                        code_challenge=CHALLENGE,
                        scope=SCOPE,
                        resource=None,
                        nonce=NONCE,
                        user_id=user.user_id,
                        session_id=uuid4(),
                        auth_time=now,
                        expires_at=now + CODE_TTL,
                    )
                    pipeline.set(code_key(tenant.tenant_id, code), encode_grant(grant), ex=CODE_TTL)
                    codes.append(code)
                await pipeline.execute()
        return codes


class Devices:
    """Cookies of devices that users have signed in from before, as the authorize service makes them."""

    def __init__(self, stack: Stack) -> None:
        self._known = KnownDevices(Secret(stack.secrets["form-secret"]), b"mtas device v1")

    def cookie(self, tenant: Tenant, user: User) -> str:
        account = tenant.tenant_id.bytes, user.user_id.bytes
        device = self._known.remember(None, account, now=datetime.now(UTC), entropy=random_bytes)
        return f"mtas_device_{tenant.slug}={device.reveal()}"


def _tenant(number: int, public_url: str) -> Tenant:
    slug = f"bench-{number:05}"
    # The first tenants have as many users as it takes for every connection to sign in its own.
    users = CONNECTIONS if number < CONNECTIONS else 1
    return Tenant(
        number=number,
        tenant_id=uuid4(),
        slug=slug,
        issuer=f"{public_url}/t/{slug}",
        plain=_client(slug),
        with_id_token=_client(f"{slug}-id"),
        users=tuple(User(uuid4(), f"user-{user}@example.com") for user in range(users)),
    )


def _client(client_id: str) -> Client:
    secret = client_secret.generate(client_secret.CLIENT_SECRET_PREFIX, random_bytes)
    return Client(client_id, secret.reveal())


class _Keys:
    """RSA keys of 2048 bits, made fast: n primes are enough for n (n - 1) / 2 keys."""

    def __init__(self) -> None:
        self._primes: list[int] = []

    async def ensure(self, count: int) -> None:
        """Enough primes for so many keys. A key made properly costs a tenth of a second, and gives two."""
        wanted = math.isqrt(2 * count) + 2
        if missing := wanted - len(self._primes):
            self._primes += await asyncio.to_thread(_make_primes, (missing + 1) // 2)

    def key(self, number: int) -> RSAPrivateKey:
        """Key `number`, the same whenever it is asked for: 0 is of primes 0 and 1, then two have prime 2."""
        higher = (1 + math.isqrt(1 + 8 * number)) // 2
        p, q = self._primes[higher], self._primes[number - higher * (higher - 1) // 2]
        public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
        d = pow(_EXPONENT, -1, math.lcm(p - 1, q - 1))
        numbers = rsa.RSAPrivateNumbers(
            p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
        )
        return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _make_primes(pairs: int) -> list[int]:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return [prime for pair in pool.map(_make_pair, range(pairs), chunksize=2) for prime in pair]


def _make_pair(_number: int) -> tuple[int, int]:
    numbers = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=2048).private_numbers()
    return numbers.p, numbers.q


async def _copy(connection: asyncpg.Connection, table: str, rows: list[dict[str, object]]) -> None:
    schema, _, name = table.partition(".")
    await connection.copy_records_to_table(
        name, schema_name=schema, columns=list(rows[0]), records=[tuple(row.values()) for row in rows]
    )
