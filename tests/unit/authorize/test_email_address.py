"""Email addresses: what is one, and when two are the same."""

import pytest

from services.authorize.flows.email_address import clean, is_well_formed, key_of

ONE = [
    "a@b",
    "ada@example.com",
    "o'brien+tag@mail.example.co.uk",
    "用户@例え.jp",
    "a.b-c_d@sub.example",
    '"q"@example.com',
]
NONE = [
    "", "@", "a@", "@b", "a", "a@b@c", "a b@c.d", "a@c .d", "a@b..c", "a@.b", "a@b.", "a\x00@b.c", "a\n@b.c",
    "a\u200b@b.c", "a@b\u202e.c", "x" * 243 + "@example.com", "a@b.c\r\nBcc: d@e.f",
]  # fmt: skip


@pytest.mark.parametrize("email", ONE)
def test_it_is_one(email: str) -> None:
    assert is_well_formed(email)


@pytest.mark.parametrize("email", NONE, ids=ascii)
def test_it_is_none(email: str) -> None:
    assert not is_well_formed(email)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("re\u0301my@example.com", "r\u00e9my@example.com"),
        ("STRASSE@example.com", "straße@example.com"),
        ("\u212bngstrom@example.com", "ångstrom@example.com"),
    ],
    ids=ascii,
)
def test_they_are_the_same(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


def test_its_key_is_its_own_key() -> None:
    for email in ONE:
        assert key_of(key_of(email)) == key_of(email)


def test_it_is_shown_as_it_was_typed() -> None:
    assert clean(" Ada@Example.com ") == "Ada@Example.com"
