"""In which order tenants are asked."""

from collections import Counter
from itertools import islice

from tests.bench.works import by_rank, evenly


def test_evenly_each_is_asked_about_as_often() -> None:
    asked = Counter(islice(evenly("abcd"), 40_000))
    assert all(9_000 < times < 11_000 for times in asked.values())
    assert len(asked) == 4


def test_by_rank_the_nth_is_asked_one_nth_as_often_as_the_first() -> None:
    asked = Counter(islice(by_rank("abcd"), 50_000))
    first = asked["a"]
    for rank, name in enumerate("abcd", 1):
        assert 0.9 < asked[name] * rank / first < 1.1
