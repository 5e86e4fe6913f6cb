"""What a service's Valkey and NATS user may do, and what not: each denial, on the real servers."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis.asyncio
from nats.aio.client import Client
from nats.errors import Error as NatsError
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from deploy.local.stack import Stack
from deploy.secrets import NATS_USERS, VALKEY_USERS
from shared.events.catalog import CATALOG

READERS = ("authorize", "token", "jwks", "admin", "subscriber")  # each of its own durable consumer
LIMITED = {"authorize", "admin"}  # token counts no guesses

# Commands on keys, and the users that may run them.
VALKEY: dict[tuple[str, ...], set[str]] = {
    ("SET", "code:t:h", "grant", "EX", "60"): {"authorize"},
    ("GET", "code:t:h"): {"token"},
    ("GETDEL", "code:t:h"): set(),
    ("DEL", "code:t:h"): {"token"},
    ("SET", "code:t:h", "grant", "GET"): set(),
    ("EXPIRE", "code:t:h", "86400"): set(),
    ("PERSIST", "code:t:h"): set(),
    ("RENAME", "code:t:h", "interaction:t:h"): set(),
    ("COPY", "code:t:h", "interaction:t:h"): set(),
    ("SET", "interaction:t:1", "state", "EX", "60"): {"authorize"},
    ("GET", "interaction:t:1"): {"authorize"},
    ("DEL", "interaction:t:1"): {"authorize"},
    ("EXPIRE", "interaction:t:1", "86400"): set(),
    **{("GET", f"limit:{user}:address"): {user} & LIMITED for user in VALKEY_USERS},
    **{("SET", f"limit:{user}:address", "1:0"): {user} & LIMITED for user in VALKEY_USERS},
    **{("DEL", f"limit:{user}:address"): {user} & LIMITED for user in VALKEY_USERS},
    ("INCR", "limit:authorize:address"): set(),
    ("GET", "anything:else"): set(),
    ("SET", "anything:else", "x"): set(),
    ("EVAL", "return 1", "0"): set(),
    ("SCRIPT", "LOAD", "return 1"): LIMITED,
    ("SCRIPT", "FLUSH"): set(),
    ("FUNCTION", "LIST"): set(),
    ("PUBLISH", "channel", "x"): set(),
    ("SUBSCRIBE", "channel"): set(),
    ("CLIENT", "LIST"): set(),
    ("CLIENT", "KILL", "TYPE", "normal"): set(),
    ("DBSIZE",): set(),
    ("INFO",): set(),
    ("MULTI",): set(),
    ("SELECT", "0"): set(),
    ("KEYS", "*"): set(),
    ("SCAN", "0"): set(),
    ("FLUSHALL",): set(),
    ("CONFIG", "GET", "*"): set(),
    ("ACL", "LIST"): set(),
    ("MONITOR",): set(),
    ("SHUTDOWN",): set(),
}


# Subjects, and the users that may publish on them. `ops` may everything.
PUBLISH: dict[str, set[str]] = {
    "mtas.v1.T.tenant.created": {"admin"},
    "mtas.v1.T.client.updated": {"admin"},
    "mtas.v1.T.api_token.created": {"admin"},
    "mtas.v1.T.member.invited": {"admin"},
    "mtas.v1.T.anything.else": set(),
    "mtas.v1.tenant.created": set(),
    "mtas.v1.T.tenant.created.more": set(),
    "mtas.v1.T.user.registered": {"authorize"},
    "mtas.v1.T.session.started": {"authorize"},
    "mtas.v1.T.mail.requested": {"authorize"},
    "mtas.v1.T.family.revoked": {"token"},
    "mtas.v1.T.signing_key.created": {"jwks"},
    **{f"mtas.dead.{user}.event": {user} for user in READERS},
    **{f"$JS.API.CONSUMER.MSG.NEXT.MTAS.{user}": {user} for user in READERS},
    **{f"$JS.ACK.MTAS.{user}.1.1.1.1.1": {user} for user in READERS},
    **{f"$JS.API.CONSUMER.INFO.MTAS.{user}": set() for user in READERS},
    "$JS.API.STREAM.INFO.MTAS": set(),
    "$JS.API.STREAM.MSG.GET.MTAS": set(),
    "$JS.API.DIRECT.GET.MTAS": set(),
    "$JS.API.CONSUMER.CREATE.MTAS": set(),
    "$JS.API.CONSUMER.DELETE.MTAS.token": set(),
    "$JS.API.STREAM.PURGE.MTAS": set(),
    "$JS.API.STREAM.DELETE.MTAS": set(),
    "$JS.API.CONSUMER.DURABLE.CREATE.MTAS.token": set(),
    "$SYS.REQ.SERVER.PING": set(),
    "_INBOX_token.reply": set(),
}

SUBSCRIBE: dict[str, set[str]] = {
    "mtas.v1.*.tenant.*": {"authorize", "token", "jwks"},
    "mtas.v1.*.client.*": {"authorize", "token", "jwks"},
    "mtas.v1.*.signing_key.*": {"authorize", "token", "jwks"},
    "mtas.v1.*.user.*": set(),
    "mtas.v1.>": set(),
    **{f"_INBOX_{user}.>": {user} for user in NATS_USERS if user != "ops"},
    "_INBOX.>": set(),
    "$JS.>": set(),
    "$SYS.>": set(),
    ">": set(),
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Our own: what is published here is no event that a service could read."""
    data = tmp_path_factory.mktemp("mtas") / "data"
    with Stack(data, services=(), spare_ports=True, durable=False) as stack:
        yield stack


async def is_refused(valkey: Any, command: tuple[str, ...]) -> bool:
    try:
        await valkey.execute_command(*command)
    except NoPermissionError:
        return True
    except ResponseError as error:
        if "ACL failure in script" not in str(error):
            raise
        return True
    return False


@pytest.fixture(params=VALKEY_USERS)
async def valkey(stores: Stack, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Any]]:
    client = redis.asyncio.Redis.from_url(stores.valkey.url(request.param))
    yield request.param, client
    await client.aclose()


async def test_valkey_user_may_do_its_own_work_and_no_more(valkey: tuple[str, Any]) -> None:
    user, client = valkey
    for command, allowed in VALKEY.items():
        assert await is_refused(client, command) == (user not in allowed), command


@pytest.mark.parametrize("user", sorted(LIMITED))
async def test_a_script_may_what_its_user_may(stores: Stack, user: str) -> None:
    """Whether it names a key beforehand or just touches it."""
    mine = (f"limit:{user}:a", *(("interaction:t:1",) if user == "authorize" else ()))
    async with redis.asyncio.Redis.from_url(stores.valkey.url(user)) as client:
        by_name = await client.script_load("return redis.call('get', KEYS[1])")
        for key in ("limit:admin:a", "limit:authorize:a", "interaction:t:1", "code:t:h", "other"):
            unnamed = await client.script_load(f"return redis.call('get', '{key}')")
            assert await is_refused(client, ("EVALSHA", by_name, "1", key)) == (key != f"limit:{user}:a")
            assert await is_refused(client, ("EVALSHA", unnamed, "0")) == (key not in mine)


def test_every_event_is_its_own_services_to_publish() -> None:
    """What the catalogue says, and what is tried below, are the same."""
    for event in CATALOG.values():
        entity = event.type.partition(".")[0]
        tried = {user for subject, users in PUBLISH.items() if f".T.{entity}." in subject for user in users}
        assert tried == {event.source}, event.type


async def test_valkey_answers_nobody_without_a_user(stores: Stack) -> None:
    async with redis.asyncio.Redis(port=stores.ports["valkey"]) as client:
        with pytest.raises(AuthenticationError):
            await client.ping()


class Nats:
    """A connection that collects what the server refuses."""

    def __init__(self) -> None:
        self.client = Client()
        self.refused: list[str] = []

    async def connect(self, url: str) -> None:
        await self.client.connect(url, allow_reconnect=False, error_cb=self._note)

    async def _note(self, error: Exception) -> None:
        self.refused.append(str(error))

    async def refuses(self) -> bool:
        """Whether the server refused anything since the last time."""
        # The client's PING overtakes what it has yet to send: the second one comes after it.
        await self.client.flush()
        await self.client.flush()
        refused = bool(self.refused)
        self.refused.clear()
        return refused


@pytest.fixture(params=[user for user in NATS_USERS if user != "ops"])
async def nats(stores: Stack, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Nats]]:
    connection = Nats()
    await connection.connect(stores.nats.url(request.param))
    yield request.param, connection
    await connection.client.close()


@pytest.mark.parametrize("subject", PUBLISH)
async def test_nats_user_publishes_only_what_it_owns(nats: tuple[str, Nats], subject: str) -> None:
    user, connection = nats
    await connection.client.publish(subject, b"")
    assert await connection.refuses() == (user not in PUBLISH[subject])


@pytest.mark.parametrize("subject", SUBSCRIBE)
async def test_nats_user_hears_only_what_it_needs(nats: tuple[str, Nats], subject: str) -> None:
    user, connection = nats
    await connection.client.subscribe(subject)
    assert await connection.refuses() == (user not in SUBSCRIBE[subject])


async def test_nats_answers_nobody_without_a_user(stores: Stack) -> None:
    connection = Nats()
    with pytest.raises(NatsError, match="Authorization"):
        await connection.connect(f"nats://127.0.0.1:{stores.nats.port}")
    await connection.client.close()
