"""Real servers for every test that needs them: started once a run, on spare ports, beside `make run`."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from deploy.local import leftovers, ports
from deploy.local.stack import Stack
from gateway.render import Bucket, Limits
from tests.support import deployed
from tests.support.deployed import Deployed
from tests.support.home import Home, furnished
from tests.support.product import Product
from tests.support.seed import Seed

ROOT = Path(__file__).parent
LONGEST = ("scale", "chaos", "race", "e2e", "attacks", "gateway", "services")
UNLIMITED = Limits(password=Bucket(burst=1_000_000, per_minute=1_000_000))


def pytest_configure() -> None:
    """Whoever runs beside us (pytest-xdist) chooses among other ports, so that none is chosen twice."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        own, count = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        ports.SPARE = ports.SPARE[own::count]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders whose files take longest come first: a whole file goes to whichever process is free, and a
    long one at the end would leave the other with nothing to do."""
    items.sort(key=lambda item: _rank(item.path))


def pytest_runtest_setup(item: pytest.Item) -> None:
    mark = item.get_closest_marker("not_deployed")
    if mark is not None and os.environ.get(deployed.VARIABLE):
        pytest.skip(*mark.args)


def _rank(path: Path) -> int:
    folder = path.relative_to(ROOT).parts[0] if path.is_relative_to(ROOT) else ""
    return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Valkey and NATS, provisioned, and no service: for tests that run one themselves."""
    with Stack(_folder(tmp_path_factory), services=(), spare_ports=True, durable=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product behind its gateway, which here limits nobody's sign-ins.

    With MTAS_TEST_DEPLOYMENT it is one that runs already, as `make test-compose` has it.
    """
    if there := os.environ.get(deployed.VARIABLE):
        yield cast(Stack, Deployed.read(Path(there)))
        return
    with Stack(_folder(tmp_path_factory), spare_ports=True, durable=False, limits=UNLIMITED) as stack:
        yield stack


@pytest.fixture(scope="session")
async def seed(stores: Stack) -> AsyncIterator[Seed]:
    async with Seed(stores.postgres.superuser_url) as seed:
        yield seed


def _folder(factory: pytest.TempPathFactory) -> Path:
    # Servers of a test run that was killed: pytest keeps the folders of the last three runs.
    runs = [folder for folder in factory.getbasetemp().parents if folder.name.startswith("pytest-of-")]
    for every in runs:
        leftovers.sweep(every.glob("pytest-*/**/mtas*/data"))
    return factory.mktemp("mtas") / "data"


@pytest.fixture(scope="session")
def product(stack: Stack) -> Iterator[Product]:
    """The whole product, as its users meet it."""
    product = Product(stack)
    yield product
    product.close()


@pytest.fixture(scope="session")
def acme(product: Product) -> Iterator[Home]:
    """A tenant to look at and to leave as it is."""
    with furnished(product, "acme") as home:
        yield home


@pytest.fixture(scope="session")
def globex(product: Product) -> Iterator[Home]:
    """Another one, which shares nothing with the first."""
    with furnished(product, "globex") as home:
        yield home
