"""What attacks look at besides the answers they get."""

from collections.abc import Iterator

import pytest

from deploy.local.stack import Stack
from tests.support.browser import Browser
from tests.support.product import Product
from tests.support.seed import Seed


@pytest.fixture(scope="session")
def truth(stack: Stack) -> Seed:
    """The product's own database, as its superuser."""
    return Seed(stack.postgres.superuser_url)


@pytest.fixture(scope="session")
def developer(product: Product) -> Iterator[Browser]:
    """The operator at the dashboard. Signed in once: guesses at the password there are few."""
    with product.developer() as browser:
        yield browser
