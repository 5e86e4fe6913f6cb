"""Which passwords nobody may choose (NIST SP 800-63B-4 §3.1.1.2)."""

import hashlib

import pytest

from shared.breached_passwords import FILE, SIZE, is_breached, make_filter
from shared.guessable import is_about, is_pattern
from shared.passwords import check_new_password

ABOUT = ("ada.lovelace@example.com", "Ada Lovelace", "Acme Shop", "acme-shop")


@pytest.mark.parametrize(
    "password",
    [
        "purple tuesday kettle",
        "a long enough password",
        "Ada Lovelace likes tea",  # it is in there; the rest is enough
        "the acme shop password is kept by Bob",
        "schöne neue welt 1",
        "Tr0ub4dor&3Tr0ub4dor&3",
        "839104857261038",  # no composition rules: digits will do
        "#$%^@!;:<>{}[]|",
        "мой дядя самых честных правил",
        "密码很长但是没有人会猜到它的对吧",
    ],
)
def test_no_rule_of_composition_is_in_the_way(password: str) -> None:
    check_new_password(password, *ABOUT)


LONG = "purple tuesday kettle " * 2 + "".join(chr(0x4E00 + 7 * n) for n in range(256))


@pytest.mark.parametrize(
    ("password", "is_good"),
    [(LONG[:14], False), (LONG[:15], True), (LONG[:256], True), (LONG[:257], False), ("o\u0308" * 14, False)],
)
def test_length_is_counted_in_characters_after_normalization(password: str, is_good: bool) -> None:
    if is_good:
        check_new_password(password)
    else:
        with pytest.raises(ValueError, match=r"at (least|most) \d+ characters"):
            check_new_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "PasswordPassword",
        "iloveyouiloveyou",
        "1qaz2wsx3edc4rfv",
        "correct horse battery staple",
        "Correct-Horse-Battery-Staple",
        "correct\u2003horse battery_staple",
    ],
)
def test_one_from_a_breach_is_refused_however_it_is_written(password: str) -> None:
    with pytest.raises(ValueError, match="data breach"):
        check_new_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "hunter2hunter2hunter2",
        "abcabcabcabcabcabca",
        "aaaabbbbccccdddd",
        "1234567890 abcdefg",
        "qwertzuiop asdfghjkl",
        "monday--------------",
        "my password 2025!!!!",
        "nopq nopq nopq nopq",
    ],
)
def test_a_pattern_is_refused(password: str) -> None:
    assert is_pattern(password)
    with pytest.raises(ValueError, match=r"repetition|data breach"):
        check_new_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@example.com",
        "Ada Lovelace Acme",
        "acme-shop-acme-2025",
        "lovelace20250615",
        "Lovelace 12345678",
        "welcome to acme shop",
    ],
)
def test_the_users_and_the_apps_own_name_is_refused(password: str) -> None:
    assert is_about(password, ABOUT)
    with pytest.raises(ValueError, match="name of the app"):
        check_new_password(password, *ABOUT)
    assert not is_about(password + " purple kettle", ABOUT)


def test_nobody_needs_to_be_known() -> None:
    assert not is_about("purple tuesday kettle", ("", "x", "@"))


def test_what_is_refused_says_what_to_do() -> None:
    for password in ("short", "passwordpassword", "hunter2hunter2hunter2", "lovelace20250615"):
        with pytest.raises(ValueError, match=r"words that") as refusal:
            check_new_password(password, *ABOUT)
        assert password not in str(refusal.value)


def test_the_filter_is_as_full_as_it_was_made_and_claims_few_by_mistake() -> None:
    content = FILE.read_bytes()
    assert len(content) == SIZE
    assert 0.45 < sum(map(int.bit_count, content)) / (8 * SIZE) < 0.52  # 341,041 passwords, 17 places each
    strangers = (hashlib.sha256(str(number).encode()).hexdigest()[:20] for number in range(10_000))
    assert sum(map(is_breached, strangers)) <= 2  # one in 150,000


def test_a_filter_holds_all_that_it_is_made_of() -> None:
    made = make_filter(["purple kettle tuesday"])
    assert len(made) == SIZE
    assert sum(map(int.bit_count, made)) == 17
