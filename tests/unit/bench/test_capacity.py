"""The arithmetic of docs/operate/capacity.md, on figures that can be checked in the head."""

import pytest

from docs.capacity import GROUPS, WORK, Assumed, needs

COSTS = {work: dict.fromkeys(GROUPS, 0.0) for work in WORK} | {
    "sign_in": dict.fromkeys(GROUPS, 0.0) | {"authorize": 40.0, "postgres": 3.0},
    "code": dict.fromkeys(GROUPS, 0.0) | {"token": 1.0, "postgres": 1.0},
    "refresh": dict.fromkeys(GROUPS, 0.0) | {"token": 0.5},
}
SIZES = {
    "postgresql": {"user": 1_000, "session": 100, "family": 10, "audit entry": 1},
    "wal": {"refresh": 200},
    "nats": {"event": 5},
}
DAILY = Assumed(active=1, sign_ins=1, refreshes=10, peak=2, signed_out=0, events=2, busy=0.5)


def test_rates_cores_and_bytes_follow_from_what_is_assumed() -> None:
    """As many users as a day has seconds, who all sign in once: one a second, and two at the peak."""
    it = needs(86_400, DAILY, COSTS, SIZES)
    assert (it.sign_ins, it.refreshes) == (2, 20)
    assert it.cores["authorize"] == pytest.approx(2 * 0.040 / 0.5)
    assert it.cores["token"] == pytest.approx((2 * 0.001 + 20 * 0.0005) / 0.5)
    assert it.cores["postgres"] == pytest.approx(2 * 0.004 / 0.5)
    assert it.wal == 20 * 200
    assert it.commits == 2 * (1 + 1 + 2 * 2)
    assert it.stored == {
        "user": 86_400 * 1_000,
        "session": 86_400 * 31 * 100,
        "family": 86_400 * 31 * 10,
        "audit entry": 86_400 * 2 * 400,
        "NATS, 30 days": 86_400 * 2 * 30 * 5,
    }


def test_a_session_that_was_signed_out_of_stays_a_year() -> None:
    it = needs(86_400, Assumed(active=1, sign_ins=1, signed_out=1), COSTS, SIZES)
    assert it.stored["session"] == 86_400 * 366 * 100
