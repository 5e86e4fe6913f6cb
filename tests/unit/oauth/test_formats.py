"""The formats that are ours: code, refresh token, secret (docs/architecture.md)."""

import copy
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import random_bytes
from shared.oauth import client_secret, refresh_token
from shared.oauth.authorization_code import CODE_LENGTH, code_key, family_id_of, generate_code
from shared.oauth.refresh_token import MAX_GENERATION, PREFIX, RefreshToken, RefreshTokenKeys, open_token
from shared.secret import Secret, b64url, from_b64url

KEYS = RefreshTokenKeys({7: bytes(range(32))})
TENANT = UUID("01912345-0000-7000-8000-000000000001")


@given(st.uuids(), st.integers(0, MAX_GENERATION))
def test_a_refresh_token_opens_as_what_it_was_issued(family_id: UUID, generation: int) -> None:
    token = RefreshToken(family_id, generation)
    text = KEYS.issue(token, TENANT, "acme")
    assert KEYS.open(text, TENANT, "acme") == token
    assert KEYS.issue(token, TENANT, "acme") == text  # the successor is a function of its fields


def test_a_refresh_token_is_bound_to_tenant_and_client() -> None:
    text = KEYS.issue(RefreshToken(uuid4(), 0), TENANT, "acme")
    assert KEYS.open(text, uuid4(), "acme") is None
    assert KEYS.open(text, TENANT, "acme2") is None


def test_every_bit_of_a_refresh_token_counts() -> None:
    text = KEYS.issue(RefreshToken(uuid4(), 3), TENANT, "acme")
    raw = from_b64url(text.removeprefix(PREFIX))
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert KEYS.open(PREFIX + b64url(bytes(flipped)), TENANT, "acme") is None


def test_a_refresh_token_of_another_version_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(refresh_token, "_VERSION", 2)
        text = KEYS.issue(RefreshToken(uuid4(), 0), TENANT, "acme")
        assert KEYS.open(text, TENANT, "acme") is not None
    assert KEYS.open(text, TENANT, "acme") is None


def test_a_generation_whose_successor_the_database_cannot_hold_is_none() -> None:
    text = KEYS.issue(RefreshToken(uuid4(), MAX_GENERATION + 1), TENANT, "acme")
    assert KEYS.open(text, TENANT, "acme") is None


@given(st.text(max_size=120))
def test_nonsense_is_not_a_refresh_token(text: str) -> None:
    assert KEYS.open(text, TENANT, "acme") is None
    assert KEYS.open(PREFIX + text, TENANT, "acme") is None


def test_an_older_key_still_verifies() -> None:
    text = KEYS.issue(RefreshToken(uuid4(), 0), TENANT, "acme")
    rotated = RefreshTokenKeys({8: bytes(32), 7: bytes(range(32))})
    assert rotated.open(text, TENANT, "acme") is not None
    assert RefreshTokenKeys({8: bytes(32)}).open(text, TENANT, "acme") is None


def test_a_tenants_own_keys_open_its_tokens_and_no_others() -> None:
    """What leaves with a tenant that moves speaks for it alone."""
    text = KEYS.issue(RefreshToken(uuid4(), 0), TENANT, "acme")
    assert open_token(text, "acme", KEYS.of_tenant(TENANT)) is not None
    assert open_token(text, "acme", [(7, bytes(32)), *KEYS.of_tenant(TENANT)]) is not None, "ids may repeat"
    assert open_token(text, "acme2", KEYS.of_tenant(TENANT)) is None
    assert open_token(text, "acme", KEYS.of_tenant(uuid4())) is None
    assert open_token(text, "acme", [(8, key) for _, key in KEYS.of_tenant(TENANT)]) is None


def test_a_key_that_moved_in_opens_for_its_tenant_alone() -> None:
    under, sealed = KEYS.seal(b"k" * 32, TENANT, bytes(12))
    assert KEYS.unseal(under, sealed, TENANT) == b"k" * 32
    assert KEYS.unseal(under, sealed, uuid4()) is None
    assert KEYS.unseal(under, sealed[:-1], TENANT) is None
    assert KEYS.unseal(under, b"", TENANT) is None
    assert KEYS.unseal(9, sealed, TENANT) is None, "a key of ours that is gone"


def test_a_code_has_256_bits_and_valkey_never_sees_it() -> None:
    code = generate_code(random_bytes).reveal()
    assert len(code) == CODE_LENGTH
    assert len(from_b64url(code)) == 32
    assert code not in code_key(TENANT, code)


def test_a_family_id_depends_on_tenant_and_code() -> None:
    code, other = (generate_code(random_bytes).reveal() for _ in range(2))
    assert family_id_of(TENANT, code) == family_id_of(TENANT, code)
    assert family_id_of(TENANT, code) != family_id_of(TENANT, other)
    assert family_id_of(TENANT, code) != family_id_of(uuid4(), code)


def test_a_client_secret_is_recognizable_and_checksummed() -> None:
    secret = client_secret.generate(client_secret.CLIENT_SECRET_PREFIX, random_bytes).reveal()
    assert client_secret.is_well_formed(secret, client_secret.CLIENT_SECRET_PREFIX)
    assert not client_secret.is_well_formed(secret[:-1] + "!", client_secret.CLIENT_SECRET_PREFIX)
    assert not client_secret.is_well_formed(secret, client_secret.API_TOKEN_PREFIX)


def test_a_secret_matches_its_own_hash_alone() -> None:
    stored = client_secret.hash_secret("a")
    assert client_secret.matches(client_secret.hash_secret("a"), stored)
    assert not client_secret.matches(client_secret.hash_secret("b"), stored)


@pytest.mark.parametrize("text", ["AB==", "A", "AB\n", "A+", "AB ", "AC=", "é"])
def test_only_canonical_base64url_decodes(text: str) -> None:
    with pytest.raises(ValueError):
        from_b64url(text)


def test_a_secret_does_not_print() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        copy.copy(secret)
