"""A few cells of the matrix: what other tests do not break (`make chaos` has all of them)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.broken import Linked
from tests.chaos.matrix import Cell, Column, Matrix
from tests.chaos.report import write_page
from tests.chaos.work import KINDS


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with Linked(tmp_path_factory.mktemp("mtas-chaos") / "data") as stack:
        matrix = Matrix(stack)
        yield matrix
        matrix.close()


@pytest.mark.parametrize(("part", "fault"), [("postgres", "cut"), ("token", "kill")])
def test_it_is_as_promised(matrix: Matrix, part: str, fault: str) -> None:
    assert matrix.run(part, fault).wrong == []


def test_the_page_says_what_became_of_each_kind_and_what_was_not_as_promised(tmp_path: Path) -> None:
    columns = {kind: Column({"ok": 7}, worst_s=0.1, recovered_s=0.2) for kind in KINDS}
    columns[KINDS[1]] = Column({"ok": 5, "wait": 2, "void": 1}, worst_s=1.25, recovered_s=0.3)
    write_page([Cell("token", "kill", columns, ["a revoked family is alive"])], tmp_path / "faults.md")
    page = (tmp_path / "faults.md").read_text()
    assert "| token | kill | on (0.1 s) | 503, anew (1.2 s) | on (0.1 s) |" in page
    assert "1 cells (36 requests)" in page
    assert "- token, kill: a revoked family is alive" in page
