"""A KMS on a socket: as much of the transit API of Vault as sealing uses, with real AES-256-GCM."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar.types import Receive, Scope, Send

from tests.support.serve import serve

TOKEN = "a token of the KMS"


class Transit:
    """`mood` is how it answers: well, sealed (503), forbidden (403), nonsense, or never."""

    def __init__(self) -> None:
        self.mood = "well"
        self.calls: list[str] = []
        self.url = ""
        self._keys: dict[str, AESGCM] = {}

    def settings(self, **more: str) -> dict[str, str]:
        """What a service is started with to seal here."""
        return {
            "MTAS_KEY_SEALER": "transit",
            "MTAS_TRANSIT_URL": f"{self.url}/v1/transit",
            "MTAS_TRANSIT_TOKEN": TOKEN,
        } | more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            await _lifespan(receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        while self.mood == "never":
            await asyncio.sleep(0.02)
        status, content = self._answer(dict(scope["headers"]), scope["path"], body)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    def _answer(self, headers: dict[bytes, bytes], path: str, body: bytes) -> tuple[int, bytes]:
        _, _, verb, key_name = path.rsplit("/", 3)
        self.calls.append(verb)
        if headers.get(b"x-vault-token") != TOKEN.encode() or self.mood == "forbidden":
            return 403, b'{"errors":["permission denied"]}'
        if self.mood == "sealed":
            return 503, b'{"errors":["Vault is sealed"]}'
        if self.mood == "nonsense":
            return 200, b"<html>hello</html>"
        try:
            return 200, json.dumps({"data": self._do(verb, key_name, json.loads(body))}).encode()
        except (InvalidTag, ValueError, KeyError):
            return 400, b'{"errors":["cipher: message authentication failed"]}'

    def _do(self, verb: str, key_name: str, asked: dict[str, Any]) -> dict[str, str]:
        bound = base64.b64decode(asked["associated_data"])
        if verb == "encrypt":  # makes the key when there is none, as Vault does
            cipher = self._keys.setdefault(key_name, AESGCM(os.urandom(32)))
            nonce = os.urandom(12)
            sealed = nonce + cipher.encrypt(nonce, base64.b64decode(asked["plaintext"]), bound)
            return {"ciphertext": "vault:v1:" + base64.b64encode(sealed).decode()}
        sealed = base64.b64decode(asked["ciphertext"].removeprefix("vault:v1:"), validate=True)
        opened = self._keys[key_name].decrypt(sealed[:12], sealed[12:], bound)
        return {"plaintext": base64.b64encode(opened).decode()}


@asynccontextmanager
async def transit() -> AsyncIterator[Transit]:
    kms = Transit()
    async with serve(kms) as kms.url:
        yield kms
        kms.mood = "well"


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})  # type: ignore[typeddict-item]
    await receive()
    await send({"type": "lifespan.shutdown.complete"})  # type: ignore[typeddict-item]
