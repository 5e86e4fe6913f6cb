"""pytest fixtures, there as soon as `mtas` is installed. They are made only for tests that ask for them."""

from collections.abc import Callable, Iterator

import pytest

from mtas.testing.issuer import FakeIssuer
from mtas.testing.sessions import session_cookies


@pytest.fixture
def mtas_issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    """An issuer in process; the environment says where it is, so `create_mtas_auth()` finds it."""
    with FakeIssuer() as issuer:
        for name, value in issuer.environ.items():
            monkeypatch.setenv(name, value)
        yield issuer


@pytest.fixture
def mtas_session(mtas_issuer: FakeIssuer) -> Callable[..., dict[str, str]]:
    """`mtas_session(email="…")`: the cookies of a signed-in user of `mtas_issuer`'s app."""

    def cookies(**user: object) -> dict[str, str]:
        return session_cookies(mtas_issuer.config, **user)  # type: ignore[arg-type]

    return cookies
