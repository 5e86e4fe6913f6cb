"""What attacks look at besides the answers they get."""

import pytest

from deploy.local.stack import Stack
from tests.support.seed import Seed


@pytest.fixture(scope="session")
def truth(stack: Stack) -> Seed:
    """The product's own database, as its superuser."""
    return Seed(stack.postgres.superuser_url)
