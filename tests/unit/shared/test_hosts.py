"""Several hosts in one URL."""

from typing import Any

import pytest

from shared.hosts import Primary, each_host, nats_options
from shared.secret import Secret
from shared.valkey import open_valkey


def test_each_host_has_the_rest_of_the_url() -> None:
    urls = [host.geturl() for host in each_host("postgresql://u:p@a:1,b:2/mtas?sslmode=verify-full")]
    assert urls == [
        "postgresql://u:p@a:1/mtas?sslmode=verify-full",
        "postgresql://u:p@b:2/mtas?sslmode=verify-full",
    ]


@pytest.mark.parametrize(
    ("url", "asks"),
    [
        ("postgresql://u:p@a/mtas", ""),
        ("postgresql://u:p@a,b/mtas", "?target_session_attrs=read-write"),
        ("postgresql://u:p@a,b/mtas?sslmode=require", "&target_session_attrs=read-write"),
        ("postgresql://u:p@a,b/mtas?target_session_attrs=primary", "?target_session_attrs=primary"),
    ],
)
def test_of_several_it_is_the_one_that_takes_writes(url: str, asks: str) -> None:
    assert all(each.endswith(asks or "/mtas") for each in Primary(url, timeout_s=1)._urls)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "nats://token:pw@a:4222,b:4222",
            {"servers": ["nats://a:4222", "nats://b:4222"], "user": "token", "password": "pw"},
        ),
        ("tls://token:pw@a:4222", {"servers": ["tls://a:4222"], "user": "token", "password": "pw"}),
        ("nats://a-token@a:4222", {"servers": ["nats://a-token@a:4222"]}),
        ("nats://a:4222", {"servers": ["nats://a:4222"]}),
    ],
)
def test_user_and_password_hold_for_every_server(url: str, options: dict[str, Any]) -> None:
    assert nats_options(url) == options


async def test_sentinels_are_asked_for_the_primary_of_that_name() -> None:
    url = "rediss+sentinel://token:p%40w@a,b:1/mtas?sentinel_password=s&ssl_ca_certs=/ca.pem"
    valkey = open_valkey(Secret(url))
    pool: Any = valkey.connection_pool
    sentinels = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in sentinels] == [("a", 26379), ("b", 1)]
    assert all(each["password"] == "s" and each["ssl_ca_certs"] == "/ca.pem" for each in sentinels)
    assert pool.service_name == "mtas"
    assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"]) == ("token", "p@w")
    assert pool.connection_class.__name__ == "SentinelManagedSSLConnection"
    await valkey.aclose()
