"""A tenant's keys, ready to use: the private one that signs now, the public ones that verify.

Opening and parsing happens once a key; the record that says which key is active is cached, and
forgotten on `signing_key` events.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc.jwk import KeySet

from services.token import store
from shared.cache import RecordCache
from shared.db import Database
from shared.keys import KeySealer, UnsealError
from shared.unavailable import Unavailable

log = structlog.get_logger()

_encode: Final = msgspec.json.Encoder().encode
_PKCS1: Final = PKCS1v15()
_SHA256: Final = SHA256()
_ECDSA: Final = ECDSA(_SHA256)


class SigningKey:
    """A parsed private key with its `kid` and `alg` (RFC 7518 §3.1)."""

    __slots__ = ("_headers", "_sign", "alg", "kid")

    def __init__(self, kid: str, alg: str, sign: Callable[[bytes], bytes]) -> None:
        self.kid: Final = kid
        self.alg: Final = alg
        self._sign: Final = sign
        self._headers: Final[dict[str, bytes]] = {}

    def sign(self, typ: str, claims: Mapping[str, object]) -> str:
        """A compact JWS of the claims (RFC 7515 §3.1, §7.1). `typ` is one of the few that we mint."""
        header = self._headers.get(typ)
        if header is None:
            members = {"typ": typ, "alg": self.alg, "kid": self.kid}
            header = self._headers[typ] = _segment(_encode(members)) + b"."
        signed = header + _segment(_encode(claims))
        return (signed + b"." + _segment(self._sign(signed))).decode("ascii")


class SigningKeys:
    """`parsed` bounds the open keys: each takes 10 KiB; opening one, and what OpenSSL prepares
    for its first signature, costs about another signature. `size` bounds the records of what signs,
    `verified` those of what verifies: introspection and userinfo want them, and they are quickly read."""

    def __init__(
        self,
        database: Database,
        sealer: KeySealer,
        *,
        ttl_s: float | Callable[[], float],
        parsed: int,
        size: int = 20_000,
        verified: int = 2_048,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._active: RecordCache[tuple[UUID, str], store.SealedSigningKey] = RecordCache(
            self._load_active, name="active_keys", ttl_s=ttl_s, size=size
        )
        # A key's material never changes, so what was parsed stays until it ends or is crowded out.
        self._parsed: RecordCache[tuple[UUID, store.SealedSigningKey], SigningKey] = RecordCache(
            self._open, name="open_keys", ttl_s=float("inf"), size=parsed
        )
        # As the database has them, and parsed: that takes five times as much, so there are fewer.
        self._public: RecordCache[UUID, bytes] = RecordCache(
            self._load_public, name="public_keys", ttl_s=ttl_s, size=verified
        )
        self._key_sets: RecordCache[bytes, KeySet] = RecordCache(
            _parse_public, name="parsed_public_keys", ttl_s=float("inf"), size=verified // 4
        )

    async def active(self, tenant_id: UUID, alg: str) -> SigningKey:
        """The key that signs now. Raises: Unavailable while there is none yet, or it does not open."""
        sealed = await self._active.get((tenant_id, alg))
        key = await self._parsed.get((tenant_id, sealed)) if sealed is not None else None
        if key is None:
            raise Unavailable
        return key

    async def public(self, tenant_id: UUID) -> KeySet | None:
        """Every published key of the tenant, or None when it has none."""
        written = await self._public.get(tenant_id)
        return await self._key_sets.get(written) if written is not None else None

    def forget(self, tenant_id: UUID | None) -> None:
        """Forget which keys are active and published, of one tenant or of all."""
        self._active.forget_where(lambda key: tenant_id in (None, key[0]))
        self._public.forget_where(lambda key: tenant_id in (None, key))

    def close(self, tenant_id: UUID, is_ended: Callable[[str], bool]) -> None:
        """Let go of the tenant's open keys that sign no more, by their kid."""
        self._parsed.forget_where(lambda of: of[0] == tenant_id and is_ended(of[1].kid))

    async def _load_active(self, of: tuple[UUID, str]) -> store.SealedSigningKey | None:
        async with self._database.connection() as connection:
            return await store.get_active_signing_key(connection, *of)

    async def _open(self, of: tuple[UUID, store.SealedSigningKey]) -> SigningKey:
        tenant_id, sealed = of
        try:
            der = await self._sealer.open(sealed.kek_id, sealed.sealed_private_key, tenant_id, sealed.kid)
        except UnsealError as error:
            log.error("signing key does not open", tenant_id=str(tenant_id), reason=str(error))  # noqa: TRY400
            raise Unavailable("the signing key does not open") from None
        return _parse(sealed.kid, sealed.alg, der)

    async def _load_public(self, tenant_id: UUID) -> bytes | None:
        async with self._database.connection() as connection:
            jwks = await store.list_public_keys(connection, tenant_id)
        return _encode(jwks) if jwks else None


def _parse(kid: str, alg: str, der: bytes) -> SigningKey:
    # The bytes come out of our own authenticated encryption, so the key's arithmetic need not be
    # checked again: that check is what makes parsing RSA slow.
    private = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    if alg == "RS256" and isinstance(private, RSAPrivateKey):
        return SigningKey(kid, alg, lambda signed: private.sign(signed, _PKCS1, _SHA256))
    if alg == "ES256" and isinstance(private, EllipticCurvePrivateKey):
        return SigningKey(kid, alg, lambda signed: _raw(private.sign(signed, _ECDSA)))
    raise TypeError(f"signing key {kid} is of an unexpected kind")


async def _parse_public(written: bytes) -> KeySet:
    return KeySet.import_key_set({"keys": msgspec.json.decode(written)})


def _raw(signature: bytes) -> bytes:
    """ECDSA as JWS wants it: R and S, 32 bytes each (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _segment(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
