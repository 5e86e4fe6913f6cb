"""A few cells of the matrix: what other tests do not break (`make chaos` has all of them)."""

from collections.abc import Iterator

import pytest

from tests.chaos.broken import Linked
from tests.chaos.matrix import Matrix


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with Linked(tmp_path_factory.mktemp("mtas-chaos") / "data") as stack:
        matrix = Matrix(stack)
        yield matrix
        matrix.close()


@pytest.mark.parametrize(("part", "fault"), [("postgres", "cut"), ("token", "kill")])
def test_it_is_as_promised(matrix: Matrix, part: str, fault: str) -> None:
    assert matrix.run(part, fault).wrong == []
