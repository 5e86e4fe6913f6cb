"""Which Python the services are measured in."""

from tests.bench.image import Python, quickest

OURS = Python("ours", "3.11.7", 0.0030)


def test_another_python_is_used_when_it_is_clearly_quicker() -> None:
    optimised = Python("optimised", "3.11.2", 0.0024)
    assert quickest([OURS, Python("old", "3.12.1", 0.0031), optimised]) == optimised


def test_ours_is_used_when_no_other_is_clearly_quicker() -> None:
    assert quickest([OURS, Python("alike", "3.12.1", 0.0029)]) == OURS
