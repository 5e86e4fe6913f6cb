"""An issuer in process, a clock that tests move, and an app in every framework."""

from collections.abc import Iterator

import pytest

from mtas.testing import FakeIssuer
from mtas.testing.plugin import mtas_issuer, mtas_session
from sdk.python.tests.support.clock import Clock
from sdk.python.tests.support.sites import SITES, Site

__all__ = ["mtas_issuer", "mtas_session"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> Iterator[FakeIssuer]:
    with FakeIssuer(clock=clock) as issuer:
        yield issuer


@pytest.fixture(params=list(SITES))
def site(request: pytest.FixtureRequest, issuer: FakeIssuer, clock: Clock) -> Site:
    """The same app in each framework."""
    return SITES[request.param](issuer.config, clock)


@pytest.fixture
def asgi(issuer: FakeIssuer, clock: Clock) -> Site:
    return SITES["asgi"](issuer.config, clock)
