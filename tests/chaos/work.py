"""The five kinds of request, kept going each in threads of its own, and what came of them.

No kind needs another one: codes and families are made beforehand, so that what happens to an exchange is not
what happened to a sign-in.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx2

from tests.support.product import App, Product

Kind = Literal["sign-in", "exchange", "refresh", "revoke", "admin change"]
KINDS: Final[tuple[Kind, ...]] = ("sign-in", "exchange", "refresh", "revoke", "admin change")
PAUSE_S: Final = 0.1  # between two requests of one thread
LANES: Final = 2
TIMEOUT_S: Final = 20.0
ENOUGH: Final = 150  # codes and families made before a cell


@dataclass(frozen=True)
class Outcome:
    """`word` is ok, wait (503 with Retry-After), lost (no answer), void (a code that an earlier attempt had
    used, whose answer was lost), or what should not be."""

    kind: Kind
    word: str
    asked: float
    told: float


@dataclass
class Acknowledged:
    """What a 200 was given for, and so must still be true."""

    signed_in: int = 0
    exchanged: list[str] = field(default_factory=list)  # refresh tokens
    revoked: list[tuple[str, str]] = field(default_factory=list)  # refresh and access token
    chains: list[str] = field(default_factory=list)  # the newest refresh token of each
    names: dict[int, list[str]] = field(default_factory=dict)  # per lane, in order


class Refused(Exception):
    """An answer that decides: not 200, and not a reason to ask again."""


class Work:
    def __init__(
        self, product: Product, app: App, email: str, codes: deque[tuple[str, str]], families: deque[Any]
    ) -> None:
        self._product: Final = product
        self._app: Final = app
        self._email: Final = email
        self._codes: Final = codes
        self._families: Final = families
        self._stop: Final = threading.Event()
        self._asked_before: Final[set[str]] = set()
        self._numbers: Final = itertools.count()
        self.clients: Final = [product.add_client(app, "web") for _ in range(LANES)]
        self.said: Final = Acknowledged(chains=[""] * LANES, names={lane: [] for lane in range(LANES)})
        self.outcomes: Final[list[Outcome]] = []
        self._threads = [
            threading.Thread(target=self._keep_going, args=(kind, lane, step), daemon=True)
            for lane in range(LANES)
            for kind, step in self._steps().items()
        ]

    def _steps(self) -> dict[Kind, Callable[[httpx2.Client, int], None]]:
        return {
            "sign-in": self._sign_in,
            "exchange": self._exchange,
            "refresh": self._refresh,
            "revoke": self._revoke,
            "admin change": self._change,
        }

    def start(self) -> None:
        for lane in range(LANES):
            self.said.chains[lane] = self._families.popleft()["refresh_token"]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S + 5)

    def successes_since(self, moment: float) -> set[Kind]:
        """Kinds of which a request that was asked after it has succeeded."""
        return {each.kind for each in list(self.outcomes) if each.asked >= moment and each.word == "ok"}

    def _keep_going(self, kind: Kind, lane: int, step: Callable[[httpx2.Client, int], None]) -> None:
        client = httpx2.Client(base_url=self._product.origin, timeout=TIMEOUT_S)
        while not self._stop.is_set():
            asked = time.monotonic()
            try:
                step(client, lane)
                word = "ok"
            except _Away as away:
                word = away.word
            except (Refused, AssertionError, IndexError, KeyError) as error:
                word = str(error).splitlines()[0][:120] or type(error).__name__
            self.outcomes.append(Outcome(kind, word, asked, time.monotonic()))
            self._stop.wait(PAUSE_S)
        client.close()

    # The five ---------------------------------------------------------------------------------

    def _sign_in(self, _client: httpx2.Client, _lane: int) -> None:
        """A browser that has no session: the page, the password, the code."""
        with self._product.browser() as browser:
            browser.http.event_hooks = {"response": [_check_page]}
            try:
                answer, _ = self._product.sign_in(browser, self._app, self._email)
            except httpx2.HTTPError as error:
                raise _Away("lost") from error
        assert "code" in answer, answer
        self.said.signed_in += 1

    def _exchange(self, client: httpx2.Client, _lane: int) -> None:
        """The same code again, for as long as nobody has decided about it."""
        code, verifier = self._codes.popleft()
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        try:
            answer = self._token(client, form | {"redirect_uri": self._app.redirect_uri})
        except _Away:
            self._asked_before.add(code)
            self._codes.appendleft((code, verifier))
            raise
        except Refused as refused:
            if code in self._asked_before and "invalid_grant" in str(refused):
                raise _Away("void") from None
            raise
        self.said.exchanged.append(answer["refresh_token"])

    def _refresh(self, client: httpx2.Client, lane: int) -> None:
        """Again with the same token after whatever was no answer: within the grace it is a retry."""
        token = self.said.chains[lane]
        answer = self._token(client, {"grant_type": "refresh_token", "refresh_token": token})
        self.said.chains[lane] = answer["refresh_token"]

    def _revoke(self, client: httpx2.Client, _lane: int) -> None:
        family = self._families.popleft()
        form = {"token": family["refresh_token"]}
        try:
            _decided(_asked(client, "POST", f"{self._app.issuer}/revoke", data=form, **self._app.credentials))
        except _Away:
            self._families.append(family)
            raise
        self.said.revoked.append((family["refresh_token"], family["access_token"]))

    def _change(self, client: httpx2.Client, lane: int) -> None:
        name = f"name {next(self._numbers)}"
        path = f"/api/v1/apps/{self._app.app_id}/clients/{self.clients[lane].client_id}"
        headers = {"Authorization": f"Bearer {self._product.stack.secrets['operator-token']}"}
        _decided(_asked(client, "PATCH", path, json={"name": name}, headers=headers))
        self.said.names[lane].append(name)

    def _token(self, client: httpx2.Client, form: dict[str, str]) -> dict[str, Any]:
        url = f"{self._app.issuer}/token"
        return _decided(_asked(client, "POST", url, data=form, **self._app.credentials))


class _Away(Exception):
    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word: Final = word


def _asked(client: httpx2.Client, method: str, url: str, **options: Any) -> httpx2.Response:
    try:
        return client.request(method, url, **options)
    except httpx2.HTTPError as error:
        raise _Away("lost") from error


def _decided(response: httpx2.Response) -> dict[str, Any]:
    _check_page(response)
    if response.status_code != 200:
        raise Refused(f"{response.status_code} {response.text[:100]}")
    content: dict[str, Any] = response.json() if response.content else {}
    return content


def _check_page(response: httpx2.Response) -> None:
    if response.status_code == 503 and "retry-after" in response.headers:
        raise _Away("wait")
    if response.status_code >= 500:
        raise Refused(str(response.status_code))
