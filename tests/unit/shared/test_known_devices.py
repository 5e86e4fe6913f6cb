"""A cookie that says whose device this is, made by us and nobody else."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.known_devices import LIFETIME, MOST_ACCOUNTS, KnownDevices
from shared.secret import Secret, b64url, from_b64url

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1000)
DEVICES = KnownDevices(Secret("k" * 64), b"devices of a test")


def account(*ids: UUID) -> list[bytes]:
    return [each.bytes for each in ids]


def remember(
    whose: list[bytes], cookie: str | None = None, *, now: datetime = NOW, devices: KnownDevices = DEVICES
) -> str:
    return devices.remember(cookie, whose, now=now, entropy=os.urandom).reveal()


def is_known(
    cookie: str | None, whose: list[bytes], *, after: datetime = LONG_AGO, now: datetime = NOW
) -> bool:
    return DEVICES.recognise(cookie, whose, after=after, now=now) is not None


@pytest.fixture
def ada() -> list[bytes]:
    return account(uuid4(), uuid4())


def test_who_has_signed_in_is_known_there_and_nobody_else_is(ada: list[bytes]) -> None:
    cookie = remember(ada)
    assert is_known(cookie, ada)
    tenant, user = ada
    assert not is_known(cookie, [uuid4().bytes, user]), "the same user id at another tenant"
    assert not is_known(cookie, [tenant, uuid4().bytes]), "another user"
    assert not is_known(remember(ada, devices=KnownDevices(Secret("l" * 64), b"devices of a test")), ada)
    assert not is_known(remember(ada, devices=KnownDevices(Secret("k" * 64), b"something else")), ada)


def test_not_a_bit_of_it_can_be_changed(ada: list[bytes]) -> None:
    raw = from_b64url(remember(ada))
    for bit in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert not is_known(b64url(bytes(changed)), ada), bit


@pytest.mark.parametrize("cookie", [None, "", "A" * 22, "A" * 21 + "B", "%", "A" * 10_000, b64url(b"x" * 40)])
def test_anything_else_is_no_device_and_harms_nobody(ada: list[bytes], cookie: str | None) -> None:
    assert not is_known(cookie, ada)
    assert is_known(remember(ada, cookie), ada)


def test_a_device_has_one_name_whoever_signs_in(ada: list[bytes]) -> None:
    grace = account(uuid4(), uuid4())
    both = remember(grace, remember(ada))
    names = {DEVICES.recognise(both, whose, after=LONG_AGO, now=NOW) for whose in (ada, grace)}
    assert len(names) == 1
    assert names != {None}
    assert names != {DEVICES.recognise(remember(ada), ada, after=LONG_AGO, now=NOW)}


def test_signing_in_again_takes_no_more_room_and_begins_the_year_anew(ada: list[bytes]) -> None:
    cookie = remember(ada)
    later = NOW + LIFETIME - timedelta(seconds=1)
    again = remember(ada, cookie, now=later)
    assert len(again) == len(cookie)
    assert is_known(cookie, ada, now=later)
    assert not is_known(cookie, ada, now=NOW + LIFETIME)
    assert is_known(again, ada, now=NOW + LIFETIME)


def test_a_password_reset_makes_every_device_a_stranger(ada: list[bytes]) -> None:
    cookie = remember(ada)
    assert is_known(cookie, ada, after=NOW)
    assert not is_known(cookie, ada, after=NOW + timedelta(microseconds=1))


def test_the_first_is_forgotten_when_there_are_too_many(ada: list[bytes]) -> None:
    others = [account(uuid4(), uuid4()) for _ in range(MOST_ACCOUNTS)]
    cookie = remember(ada)
    for number, other in enumerate(others):
        assert is_known(cookie, ada), number
        cookie = remember(other, cookie)
    assert not is_known(cookie, ada)
    assert all(is_known(cookie, other) for other in others)
    assert len(cookie) < 200
