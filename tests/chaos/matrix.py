"""One cell after the other: steady load, a part is broken, all of it recovers, and the books are right."""

import asyncio
import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from deploy.local.stack import Stack
from shared.clock import random_bytes
from shared.oauth.authorization_code import CodeGrant, code_key, encode_grant, generate_code
from shared.secret import Secret, b64url
from shared.valkey import open_valkey
from tests.chaos.broken import FAULTS, Linked, wait_well
from tests.chaos.judge import judge
from tests.chaos.promises import NEEDS, may
from tests.chaos.work import ENOUGH, KINDS, Kind, Outcome, Work
from tests.support.product import App, Product
from tests.support.seed import some_slug

STEADY_S: Final = 0.7
RECOVERED_WITHIN_S: Final = 20.0
VERIFIER: Final = "a-verifier-of-at-least-forty-three-characters"


@dataclass
class Column:
    """What became of one kind of request in one cell."""

    words: dict[str, int] = field(default_factory=dict)
    worst_s: float = 0.0
    recovered_s: float | None = None


@dataclass
class Cell:
    part: str
    fault: str
    columns: dict[Kind, Column]
    wrong: list[str]


class Load:
    """The five kinds of request around something that happens, on any stack; and the books afterwards."""

    def __init__(self, stack: Stack) -> None:
        self._stack: Final = stack
        self._product: Final = Product(stack)

    def close(self) -> None:
        self._product.close()

    def around(self, happen: Callable[[], float]) -> tuple[dict[Kind, Column], list[str]]:
        """`happen` returns the moment from which recovery counts. An app of its own, so that nothing is left
        of what was before."""
        product = self._product
        app = product.register_app(some_slug("chaos"), signing_alg="ES256")
        product.configure(app, refresh_grace_s=60)
        email, user_id = product.create_user(app)
        codes = asyncio.run(self._codes(app, UUID(user_id), 2 * ENOUGH))
        families = self._families(app, [codes.popleft() for _ in range(ENOUGH)])
        work = Work(product, app, email, codes, families)
        work.start()
        _wait_for_every_kind(work, 0.0)
        time.sleep(STEADY_S)
        since = happen()
        _wait_for_every_kind(work, since)
        work.stop()
        wait_well(self._stack)
        columns = {kind: _column(work.outcomes, kind, since) for kind in KINDS}
        return columns, judge(self._stack, product, app, user_id, 0, work)

    async def _codes(self, app: App, user_id: UUID, number: int) -> deque[tuple[str, str]]:
        """As authorize would have left them in Valkey: what happens to an exchange is then its own."""
        (tenant_id,) = self._stack.postgres.query(
            "select tenant_id from admin.tenants where slug = :'slug'", slug=app.app_id
        )
        valkey = open_valkey(Secret(self._stack.valkey.url("authorize")))
        now = datetime.now(UTC)
        codes: deque[tuple[str, str]] = deque()
        challenge = b64url(hashlib.sha256(VERIFIER.encode()).digest())
        for _ in range(number):
            code = generate_code(random_bytes).reveal()
            grant = CodeGrant(
                client_id=app.client_id,
                redirect_uri=app.redirect_uri,
                code_challenge=challenge,
                scope=("openid", "email"),
                resource=None,
                nonce=None,
                user_id=user_id,
                session_id=uuid4(),
                auth_time=now,
                expires_at=now + timedelta(seconds=300),
            )
            await valkey.set(code_key(UUID(tenant_id), code), encode_grant(grant), ex=300)
            codes.append((code, VERIFIER))
        await valkey.aclose()
        return codes

    def _families(self, app: App, codes: list[tuple[str, str]]) -> deque[Any]:
        def redeem(code: tuple[str, str]) -> Any:
            response = self._product.redeem(app, *code)
            assert response.status_code == 200, response.text
            return response.json()

        with ThreadPoolExecutor(4) as pool:
            return deque(pool.map(redeem, codes))


class Matrix:
    def __init__(self, stack: Linked) -> None:
        self._stack: Final = stack
        self._load: Final = Load(stack)

    def close(self) -> None:
        self._load.close()

    def run(self, part: str, fault: str) -> Cell:
        def break_it() -> float:
            with FAULTS[fault](self._stack, part):
                pass
            return time.monotonic()

        columns, wrong = self._load.around(break_it)
        return Cell(part, fault, columns, [*_broken_promises(part, fault, columns), *wrong])


def _wait_for_every_kind(work: Work, since: float) -> None:
    """Until a request of each has succeeded, or it takes too long."""
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    while work.successes_since(since) != set(KINDS) and time.monotonic() < deadline:
        time.sleep(0.02)


def _column(outcomes: list[Outcome], kind: Kind, healed: float) -> Column:
    of_kind = [each for each in outcomes if each.kind == kind]
    after = [each.told for each in of_kind if each.word == "ok" and each.asked >= healed]
    return Column(
        dict(Counter(each.word for each in of_kind)),
        max((each.told - each.asked for each in of_kind), default=0.0),
        min(after) - healed if after else None,
    )


def _broken_promises(part: str, fault: str, columns: dict[Kind, Column]) -> Iterator[str]:
    for kind, column in columns.items():
        if fault in ("kill", "cut") and kind in NEEDS[part] and column.words.keys() == {"ok"}:
            yield f"{kind}: nobody noticed, so this cell shows nothing"
        for word, times in column.words.items():
            if word not in may(part, kind):
                yield f"{kind}: {word} ×{times}"
        if column.recovered_s is None:
            yield f"{kind}: not again within {RECOVERED_WITHIN_S:.0f} s"
