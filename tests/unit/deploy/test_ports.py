"""Ports: the usual one, the remembered one, another where those are taken."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.errors import StackError
from deploy.local.gateway import PublicUrl


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    with socket.create_server((request.param, 0)) as server:
        yield server.getsockname()[1]


def test_taken_port_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)
    assert ports.problem(taken) == "is taken"


def test_port_that_only_ipv6_holds_is_taken() -> None:
    if "::1" not in ports.loopback_hosts():
        pytest.skip("no IPv6 here")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert not ports.is_free(server.getsockname()[1])


def test_remembered_port_comes_before_the_usual_one() -> None:
    remembered, usual = ports.spare(), ports.spare()
    assert ports.choose({"nats": remembered}, {"nats": usual})["nats"] == remembered


def test_taken_port_is_replaced(taken: int) -> None:
    chosen = ports.choose({"nats": taken}, {"nats": taken})
    assert chosen["nats"] != taken
    assert ports.is_free(chosen["nats"])


def test_every_process_gets_its_own_port() -> None:
    chosen = ports.choose(dict.fromkeys(ports.USUAL, ports.spare()))
    assert len(set(chosen.values())) == len(ports.USUAL)


def test_spare_ports_lie_below_those_of_outgoing_connections() -> None:
    assert all(1024 < ports.spare() < 32_768 for _ in range(20))


@pytest.mark.parametrize(
    ("given", "origin", "port"),
    [
        ("http://localhost:8080", "http://localhost:8080", 8080),
        ("https://auth.example.com", "https://auth.example.com", 443),
        ("https://auth.example.com:443/", "https://auth.example.com", 443),
        ("http://127.0.0.1", "http://127.0.0.1", 80),
        ("https://[::1]:8443", "https://[::1]:8443", 8443),
    ],
)
def test_public_url_is_an_origin(given: str, origin: str, port: int) -> None:
    public = PublicUrl.parse(given)
    assert str(public) == origin
    assert public.port == port


@pytest.mark.parametrize(
    "given",
    [
        "localhost:8080",
        "ftp://localhost",
        "https://",
        "https://user@localhost",
        "https://localhost/path",
        "https://localhost?query",
        "https://localhost:99999",
        "https://[::1",
    ],
)
def test_public_url_that_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(StackError, match="MTAS_PUBLIC_URL"):
        PublicUrl.parse(given)
