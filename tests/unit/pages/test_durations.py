import pytest

from shared.pages.durations import parse_duration, say_duration


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("600", 600),
        ("10 minutes", 600),
        ("1 hour", 3600),
        ("36h", 129_600),
        ("  14 Days ", 1_209_600),
        ("90 min", 5400),
        ("1 s", 1),
        ("0", 0),
        ("", None),
        ("minutes", None),
        ("-1 day", None),
        ("1.5 hours", None),
        ("10 fortnights", None),
        ("1 day 2 hours", None),
        ("\u0663 days", None),
        ("1" * 10, None),
    ],
)
def test_what_is_typed_is_understood_or_refused(typed: str, seconds: int | None) -> None:
    assert parse_duration(typed) == seconds


@pytest.mark.parametrize("seconds", [0, 1, 60, 61, 3600, 5400, 86_400, 1_209_600, 31_536_000])
def test_what_is_said_is_understood(seconds: int) -> None:
    assert parse_duration(say_duration(seconds)) == seconds
