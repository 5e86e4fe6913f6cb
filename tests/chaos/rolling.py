"""Requests that do not stop while every process is restarted, and keys and secrets rotate: none may fail.

Two processes of each service, two gateways. Clients go to a gateway as by a load balancer, which takes one
out before it is drained (gateway/drain.py); of a service that is restarted nobody is told beforehand.
"""

import asyncio
import base64
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from deploy.local import ports
from deploy.local.gateway import Gateway, PublicUrl
from deploy.local.stack import Stack
from deploy.secrets import SERVICES
from gateway.drain import drain
from tests.conftest import UNLIMITED
from tests.race.wire import Lost, Wire
from tests.support.product import App, Product, pkce

REQUESTS: Final = 100_000
LANES: Final = 16
SIGNS_WITHIN_S: Final = 60.0  # jwks looks every half minute
TWO_EACH: Final = dict.fromkeys(SERVICES, 2)
_VERIFY_EVERY: Final = 50


@dataclass
class Result:
    requests: int = 0
    words: Counter[str] = field(default_factory=Counter)
    done: list[str] = field(default_factory=list)
    kids: set[str] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        return self.words.total()


class Rolling:
    def __init__(
        self, stack: Stack, wanted: int = REQUESTS, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._stack: Final = stack
        self._public: Final = PublicUrl.parse(stack.public_url)
        self._wanted: Final = wanted
        self._say: Final = say
        self._gateways: Final = [self._gateway(number) for number in range(2)]
        host = f"{self._public.host}:{self._public.port}"
        self._wires: Final = [Wire(port, host) for _, port, _ in self._gateways]
        self._in: list[Wire] = list(self._wires)  # what the load balancer sends to
        self._operator: Final = stack.secrets["operator-token"]
        self.result: Final = Result()
        self._over = False

    def _gateway(self, number: int) -> tuple[Gateway, int, Path]:
        run = self._stack.folder.run / f"gateway-{number}"
        run.mkdir()
        port = ports.spare(self._stack.ports.values()) if number else self._public.port
        admin = run / "admin.sock"
        upstreams = {
            service: [self._stack.ports[name] for name in self._stack.instances(service)]
            for service in SERVICES
        }
        log = self._stack.log(f"gateway-{number}")
        gateway = Gateway(self._public, run, log, upstreams, None, UNLIMITED, port=port, admin=admin)
        gateway.prepare()
        return gateway, port, admin

    async def run(self) -> Result:
        """Until all has been restarted and rotated, and so many requests were answered."""
        for gateway, _, _ in self._gateways:
            gateway.process.spawn()
        try:
            for gateway, _, _ in self._gateways:
                await asyncio.to_thread(gateway.process.wait_ready, 20)
            await self._run()
        finally:
            for wire in self._wires:
                wire.close()
            for gateway, _, _ in self._gateways:
                gateway.process.stop()
        return self.result

    async def _run(self) -> None:
        product = Product(self._stack)
        app = await asyncio.to_thread(product.register_app, signing_alg="ES256")
        self._secret = app.client_secret or ""
        tokens = [await asyncio.to_thread(product.tokens, app) for _ in range(LANES)]
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            lanes = [group.create_task(self._lane(app, each["refresh_token"])) for each in tokens]
            lanes += [group.create_task(each) for each in self._more_lanes(product, app)]
            await self._roll(product, app)
            while self.result.requests < self._wanted:
                await asyncio.sleep(0.1)
            self._over = True
            await asyncio.gather(*lanes)
        self.result.seconds = time.monotonic() - began
        product.close()

    # The load ---------------------------------------------------------------------------------

    async def _lane(self, app: App, refresh_token: str) -> None:
        """Refresh, look at what came, and get a token for the client itself; for ever."""
        keys = KeySet([])
        number = 0
        while not self._over:
            form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
            answer = await self._ask(app, "token", form)
            if answer is not None:
                refresh_token = answer["refresh_token"]
                access_token = answer["access_token"]
                seen = await self._ask(app, "introspect", {"token": access_token})
                if seen is not None and not seen["active"]:
                    self.result.words["not active"] += 1
                if number % _VERIFY_EVERY == 0:
                    keys = await self._verify(app, access_token, keys)
            await self._ask(app, "token", {"grant_type": "client_credentials"})
            if number % 5 == 0:
                await self._look(self._silently(app), 303)
                await self._look(f"/api/v1/apps/{app.app_id}", 200, f"Bearer {self._operator}")
            number += 1

    def _more_lanes(self, _product: Product, _app: App) -> Sequence[Coroutine[Any, Any, None]]:
        """Whatever else goes on; each until it is over."""
        return ()

    async def _look(self, path: str, expected: int, authorization: str | None = None) -> None:
        """At the authorization endpoint; at the admin API."""
        self.result.requests += 1
        what = path.partition("?")[0].rpartition("/")[2]
        try:
            status = (await self._wire().get(path, authorization)).status
        except (Lost, OSError) as error:
            self.result.words[f"{what}: no answer ({error})"] += 1
        else:
            if status != expected:
                self.result.words[f"{what}: {status}"] += 1

    def _silently(self, app: App) -> str:
        """An authorization request that shows no page and keeps nothing (OIDC Core §3.1.2.1)."""
        url = app.authorize_url(pkce()[1], prompt="none")
        return url.removeprefix(self._stack.public_url)

    def _wire(self) -> Wire:
        return self._in[self.result.requests % len(self._in)]

    async def _ask(self, app: App, endpoint: str, form: dict[str, str]) -> dict[str, Any] | None:
        credentials = base64.b64encode(f"{app.client_id}:{self._secret}".encode()).decode()
        self.result.requests += 1
        try:
            path = f"/t/{app.app_id}/{endpoint}"
            answer = await self._wire().ask(path, urlencode(form).encode(), f"Basic {credentials}")
        except (Lost, OSError) as error:
            self.result.words[f"{endpoint}: no answer ({error})"] += 1
            return None
        if answer.status != 200:
            self.result.words[f"{endpoint}: {answer.status} {answer.body.get('error')}"] += 1
            return None
        return answer.body

    async def _verify(self, app: App, token: str, keys: KeySet) -> KeySet:
        """As a backend does: with the keys that it has, and once more when it does not know the kid."""
        for attempt in range(2):
            with contextlib.suppress(JoseError):
                decoded = jwt.decode(token, keys, algorithms=["ES256"])
                self.result.kids.add(decoded.header["kid"])
                return keys
            if attempt == 0:
                self.result.requests += 1
                answer = await self._wire().get(f"/t/{app.app_id}/jwks.json")
                if answer.status != 200:
                    self.result.words[f"jwks.json: {answer.status}"] += 1
                    return keys
                keys = KeySet.import_key_set({"keys": list(answer.body["keys"])})
        self.result.words["a token that does not verify"] += 1
        return keys

    # What happens meanwhile -------------------------------------------------------------------

    async def _roll(self, product: Product, app: App) -> None:
        api = f"/apps/{app.app_id}"
        answer = await asyncio.to_thread(product.api, "POST", f"{api}/signing-keys/rotate", json={})
        assert answer.status_code < 300, answer.text
        self._did("the next signing key is published")
        for service in SERVICES:
            await self._restart(service)
        for number, (gateway, _, admin) in enumerate(self._gateways):
            self._in = [wire for at, wire in enumerate(self._wires) if at != number]
            assert await asyncio.to_thread(drain, admin)
            gateway.process.stop()
            gateway.process.spawn()
            await asyncio.to_thread(gateway.process.wait_ready, 20)
            self._in = list(self._wires)
            await asyncio.sleep(1)
            self._did(f"gateway {number + 1} restarted")
        path = f"{api}/clients/{app.client_id}/secrets"
        answer = await asyncio.to_thread(product.api, "POST", path, json={"overlap_s": 3600})
        await asyncio.sleep(1)  # some still have the former one
        self._secret = answer.json()["client_secret"]
        self._did("the client's secret rotated")
        # The day that it is published before it signs is over at once.
        await asyncio.to_thread(
            self._stack.postgres.query,
            "update jwks.signing_keys set activates_at = now() where state = 'pending'",
        )
        deadline = time.monotonic() + SIGNS_WITHIN_S
        while len(self.result.kids) < 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        self._did(f"{len(self.result.kids)} signing keys have signed")

    async def _restart(self, service: str) -> None:
        """Process after process, while the others answer."""
        for name in self._stack.instances(service):
            await asyncio.to_thread(self._stack.restart, name)
            await asyncio.sleep(1)
            self._did(f"{name} restarted")

    def _did(self, what: str) -> None:
        self.result.done.append(what)
        self._say(f"{self.result.requests:>7,} requests, {self.result.failed} failed: {what}")
