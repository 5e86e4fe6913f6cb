"""Sealing by a KMS that speaks the transit API of Vault and OpenBao: the key-encryption key never comes here.

`encrypt/{key}` and `decrypt/{key}`, with tenant and kid as `associated_data`, which needs a key of an
AEAD type (`aes256-gcm96`) and Vault 1.13 or any OpenBao.
"""

import asyncio
import base64
import ssl
from typing import Final, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx2
import msgspec
import structlog

from shared.keys import TRANSIT_PREFIX, SealerAway, UnsealError, associated_data
from shared.secret import Secret

log = structlog.get_logger()

T = TypeVar("T")

_TIMEOUT_S: Final = 3.0
_CONNECTIONS: Final = 8
_AWAY_S: Final = 1.0
"""After a call that found nobody, the next ones are refused for as long without trying."""


class _Encrypted(msgspec.Struct, frozen=True):
    ciphertext: str


class _Decrypted(msgspec.Struct, frozen=True):
    plaintext: str


class _Answer(msgspec.Struct, frozen=True):
    data: msgspec.Raw


class TransitKeySealer:
    """`url` is that of the mount, such as `https://vault.internal:8200/v1/transit`.

    Without a `token`, whoever stands before the KMS (an agent on this machine) authenticates.
    """

    def __init__(
        self,
        url: str,
        key_name: str,
        token: Secret,
        *,
        ca: str = "",
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._key_name: Final = key_name
        self._away_until = 0.0
        self._client: Final = httpx2.AsyncClient(
            base_url=url,
            headers={"X-Vault-Request": "true"} | ({"X-Vault-Token": token.reveal()} if token else {}),
            timeout=_TIMEOUT_S,
            limits=httpx2.Limits(max_connections=_CONNECTIONS),
            trust_env=False,  # private keys take no proxy
            verify=ssl.create_default_context(cadata=ca or None),
            transport=transport,
        )

    @property
    def sealing_id(self) -> str:
        return TRANSIT_PREFIX + self._key_name

    async def seal(self, private_key: bytes, tenant_id: UUID, kid: str) -> tuple[str, bytes]:
        asked = {"plaintext": _base64(private_key)} | _bound(tenant_id, kid)
        answer = await self._ask("encrypt", self._key_name, asked)
        if answer is None:
            raise SealerAway("the KMS does not encrypt with this key")
        return self.sealing_id, _read(answer, _Encrypted).ciphertext.encode("utf-8")

    async def open(self, kek_id: str, sealed: bytes, tenant_id: UUID, kid: str) -> bytes:
        asked = {"ciphertext": sealed.decode("utf-8", "replace")} | _bound(tenant_id, kid)
        answer = await self._ask("decrypt", kek_id.removeprefix(TRANSIT_PREFIX), asked)
        if answer is None:
            raise UnsealError(f"the KMS does not open the sealed key {kid}")
        try:
            return base64.b64decode(_read(answer, _Decrypted).plaintext, validate=True)
        except ValueError:
            raise SealerAway("the KMS answered something else") from None

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, verb: str, key_name: str, body: dict[str, str]) -> bytes | None:
        """None when the KMS has looked at the request and refuses it. Raises: SealerAway."""
        now = asyncio.get_running_loop().time()
        if now < self._away_until:
            raise SealerAway("the KMS was away a moment ago")
        try:
            answer = await self._client.post(f"/{verb}/{quote(key_name, safe='')}", json=body)
        except httpx2.HTTPError as error:
            self._away_until = asyncio.get_running_loop().time() + _AWAY_S
            log.warning("the KMS does not answer", cause=type(error).__name__)
            raise SealerAway(type(error).__name__) from None
        if answer.status_code == 200:
            return answer.content
        if answer.status_code == 400:
            log.error("the KMS refuses", verb=verb, key=key_name)
            return None
        # Sealed, standby, overloaded, or a token that has expired: all of it may be put right.
        self._away_until = asyncio.get_running_loop().time() + _AWAY_S
        log.error("the KMS cannot do it", verb=verb, key=key_name, status=answer.status_code)
        raise SealerAway(f"the KMS answered {answer.status_code}")


def _bound(tenant_id: UUID, kid: str) -> dict[str, str]:
    return {"associated_data": _base64(associated_data(tenant_id, kid))}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _read(answer: bytes, as_type: type[T]) -> T:
    try:
        return msgspec.json.decode(msgspec.json.decode(answer, type=_Answer).data, type=as_type)
    except msgspec.MsgspecError:
        raise SealerAway("the KMS answered something else") from None
