"""However much somebody types, putting it in normal form is soon done, and too long stays too long."""

import sys
import time
import unicodedata
from collections.abc import Callable

import pytest

from services.admin.flows.emails import email_key, is_email
from services.authorize.flows import email_address
from services.authorize.flows.users import InvalidUser, clean_name, is_name, read_new_user
from shared.normal_form import MOST_PARTS, nfc
from shared.passwords import MAX_LENGTH, check_new_password, normalize

MARKS = "a" + "\u0300" * 20_000 + "\u0316" * 20_000
"""More than fit a form, in the order that takes the longest to mend: seven seconds, if all are looked at."""


def refused(refuse: Callable[[], object]) -> None:
    with pytest.raises((ValueError, InvalidUser)):
        refuse()


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda: email_address.key_of(MARKS), id="email of a user"),
        pytest.param(lambda: email_key(MARKS), id="email of a developer"),
        pytest.param(lambda: normalize(MARKS), id="password"),
        pytest.param(lambda: clean_name(MARKS), id="name"),
        pytest.param(lambda: refused(lambda: check_new_password(MARKS)), id="new password"),
        pytest.param(
            lambda: check_new_password("paper lanterns, harbour", MARKS), id="what it may not be about"
        ),
        pytest.param(
            lambda: refused(lambda: read_new_user(MARKS, MARKS, app=("Acme",), name=MARKS)), id="user"
        ),
    ],
)
def test_marks_without_end_are_soon_read(read: Callable[[], object]) -> None:
    began = time.process_time()
    read()
    assert time.process_time() - began < 1


def test_what_is_too_long_stays_too_long() -> None:
    for text in (MARKS, "o\u0308" * 40_000, "\u1f82" * 2_000, "x" * 2_000):
        assert not email_address.is_well_formed(email_address.clean(f"{text}@example.com"))
        assert not is_email(email_key(f"{text}@example.com"))
        assert not is_name(clean_name(text))
        assert len(normalize(text)) > MAX_LENGTH


@pytest.mark.parametrize("longest", [1, 7, 256])
def test_what_may_be_comes_out_whole(longest: int) -> None:
    for character in ("a", "ö", "한", "\u1f82"):
        parts = unicodedata.normalize("NFD", character) * longest
        assert nfc(parts, longest) == character * longest


def test_no_character_has_more_parts() -> None:
    parts = (len(unicodedata.normalize("NFD", chr(code))) for code in range(sys.maxunicode + 1))
    assert max(parts) == MOST_PARTS
