"""Provisioning's pure parts: settings, the order of migrations, password verifiers."""

from pathlib import Path

import pytest

from deploy.provision.errors import ProvisionError
from deploy.provision.postgres import list_migrations
from deploy.provision.scram import verifier
from deploy.provision.settings import Settings

COMPLETE = {
    "MTAS_OWNER_DATABASE_URL": "postgresql://owner:pw@db/mtas",
    "MTAS_NATS_URL": "nats://ops:pw@nats",
    **{f"MTAS_DB_PASSWORD_{name}": "pw" for name in ("AUTHORIZE", "TOKEN", "JWKS", "ADMIN")},
}


def test_verifier_is_what_the_rfc_computes() -> None:
    """RFC 7677 §3: user "user", password "pencil"; its proof and signature follow from these keys."""
    import base64
    import hashlib
    import hmac

    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    scheme, iterations_and_salt, keys = verifier("pencil", salt).split("$")
    stored_key, server_key = (base64.b64decode(key) for key in keys.split(":"))
    assert (scheme, iterations_and_salt) == ("SCRAM-SHA-256", "4096:W22ZaJ0SNY7soEsUEjb6gQ==")
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signature = base64.b64encode(hmac.digest(server_key, message.encode(), "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_signature = hmac.digest(stored_key, message.encode(), "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, client_signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored_key


def test_same_password_gets_another_salt_each_time() -> None:
    assert verifier("pencil") != verifier("pencil")


@pytest.mark.parametrize("missing", sorted(COMPLETE))
def test_missing_setting_is_named(missing: str) -> None:
    with pytest.raises(ProvisionError, match=missing):
        Settings.read({name: value for name, value in COMPLETE.items() if name != missing})


def test_setting_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from a file\n")
    environ = COMPLETE | {"MTAS_DB_PASSWORD_TOKEN": "", "MTAS_DB_PASSWORD_TOKEN_FILE": str(secret)}
    assert Settings.read(environ).passwords["token"] == "from a file"


def test_settings_do_not_print_what_is_secret() -> None:
    assert "pw" not in repr(Settings.read(COMPLETE))


def test_subscribers_read_what_they_are_given() -> None:
    assert Settings.read(COMPLETE).subscribers == {"subscriber": ["mtas.v1.>"]}
    some = {"MTAS_SUBSCRIBERS": "audit  billing=mtas.v1.*.user.*,mtas.v1.*.session.ended"}
    assert Settings.read(COMPLETE | some).subscribers == {
        "audit": ["mtas.v1.>"],
        "billing": ["mtas.v1.*.user.*", "mtas.v1.*.session.ended"],
    }


@pytest.mark.parametrize(
    "text", ["token", "a a", "a.b", "a=mtas.dead.>", "a=>", "a=mtas.v1.*.user", "=mtas.v1.>"]
)
def test_a_subscriber_takes_no_services_place(text: str) -> None:
    with pytest.raises(ProvisionError, match="MTAS_SUBSCRIBERS"):
        Settings.read(COMPLETE | {"MTAS_SUBSCRIBERS": text})


def test_migrations_come_in_order(tmp_path: Path) -> None:
    for name in ("0002_second.sql", "0001_first.sql"):
        (tmp_path / name).write_text("select 1")
    assert [str(migration) for migration in list_migrations(tmp_path)] == ["0001 (first)", "0002 (second)"]


@pytest.mark.parametrize(
    "names",
    [["0001_first.sql", "0003_third.sql"], ["0001_one.sql", "0001_other.sql"], ["1_first.sql"]],
    ids=["a gap", "one number twice", "misnamed"],
)
def test_muddled_migrations_are_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(ProvisionError):
        list_migrations(tmp_path)


def test_our_own_migrations_are_in_order() -> None:
    assert list_migrations()
