"""Settings, sealing and subjects: small things that must not be wrong."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.admin.settings import Settings as AdminSettings
from services.authorize.settings import Settings as AuthorizeSettings
from services.jwks.settings import Settings as JwksSettings
from shared.events.catalog import CATALOG
from shared.events.envelope import nats_subject
from shared.keys import LocalKeySealer, UnsealError, parse_keys
from shared.secret import Secret
from shared.settings import CommonSettings, SettingsError, load

ENVIRONMENT = {"MTAS_DATABASE_URL": "postgresql://u:p@h/d", "MTAS_NATS_URL": "nats://u:p@h"}


def test_settings_come_from_the_environment() -> None:
    settings = load(CommonSettings, ENVIRONMENT | {"MTAS_DRAIN_S": "3"})
    assert settings.drain_s == 3
    assert settings.database_url.reveal() == "postgresql://u:p@h/d"
    assert "postgresql" not in repr(settings)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://from-file\n")
    settings = load(CommonSettings, ENVIRONMENT | {"MTAS_DATABASE_URL_FILE": str(file)})
    assert settings.database_url.reveal() == "postgresql://from-file"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"MTAS_DRAIN_S": "soon-secret"}, "MTAS_DRAIN_S", id="malformed"),
        pytest.param({"MTAS_DRAIN_S": "-1"}, "MTAS_DRAIN_S", id="out of range"),
        pytest.param({"MTAS_DATABASE_URL_FILE": "/nowhere"}, "MTAS_DATABASE_URL_FILE", id="unreadable file"),
    ],
)
def test_a_bad_setting_is_named_and_not_shown(change: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as error:
        load(CommonSettings, ENVIRONMENT | change)
    assert "soon-secret" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example",
        "https://auth.example/",
        "https://auth.example/x",
        "https://u:p@auth.example",
        "ftp://localhost",
        "",
    ],
)
def test_an_origin_that_would_send_cookies_in_the_clear_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="MTAS_PUBLIC_URL"):
        load(CommonSettings, ENVIRONMENT | {"MTAS_PUBLIC_URL": url})


@pytest.mark.parametrize("url", ["https://auth.example:8443", "http://localhost:8080", "http://[::1]:1"])
def test_https_or_this_machine_is_fine(url: str) -> None:
    assert load(CommonSettings, ENVIRONMENT | {"MTAS_PUBLIC_URL": url}).public_url == url


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="MTAS_NATS_URL is not set"):
        load(CommonSettings, {"MTAS_DATABASE_URL": "x"})


@pytest.mark.parametrize("nothing", ["", " "])
def test_an_empty_secret_is_a_missing_one(nothing: str) -> None:
    """`Authorization: Bearer ` must not be the operator."""
    with pytest.raises(SettingsError, match="MTAS_NATS_URL is not set"):
        load(CommonSettings, ENVIRONMENT | {"MTAS_NATS_URL": nothing})


@pytest.mark.parametrize(
    ("settings", "name", "weak"),
    [
        (AdminSettings, "MTAS_OPERATOR_TOKEN", "o" * 31),
        (AdminSettings, "MTAS_SETUP_TOKEN", "s" * 15),
        (AdminSettings, "MTAS_INTERNAL_TOKEN", "i" * 31 + " "),
        (AdminSettings, "MTAS_FORM_SECRET", "f" * 63),
        (JwksSettings, "MTAS_INTERNAL_TOKEN", "i" * 31),
        (JwksSettings, "MTAS_JWKS_TOKEN", "j" * 31),
        (AdminSettings, "MTAS_JWKS_TOKEN", "j" * 31),
        (AuthorizeSettings, "MTAS_INTERNAL_TOKEN", "i" * 31),
        (AuthorizeSettings, "MTAS_FORM_SECRET", "g" * 64),
    ],
)
def test_a_secret_that_could_be_guessed_is_named_and_not_shown(
    settings: type[CommonSettings], name: str, weak: str
) -> None:
    secrets = dict.fromkeys(("MTAS_OPERATOR_TOKEN", "MTAS_SETUP_TOKEN", "MTAS_INTERNAL_TOKEN"), "t" * 32)
    good = ENVIRONMENT | secrets | {"MTAS_VALKEY_URL": "redis://h", "MTAS_FORM_SECRET": "f" * 64}
    load(settings, good)
    with pytest.raises(SettingsError, match=f"{name}: (at least|64 hex)") as error:
        load(settings, good | {name: weak})
    assert weak not in str(error.value)


async def test_a_sealed_key_opens_only_for_its_tenant_and_kid() -> None:
    sealer = LocalKeySealer({"a": bytes(32)})
    tenant_id = uuid4()
    kek_id, sealed = await sealer.seal(b"private", tenant_id, "kid")
    assert b"private" not in sealed
    assert await sealer.open(kek_id, sealed, tenant_id, "kid") == b"private"
    for wrong in ((uuid4(), "kid"), (tenant_id, "other")):
        with pytest.raises(UnsealError):
            await sealer.open(kek_id, sealed, *wrong)
    with pytest.raises(UnsealError):
        await LocalKeySealer({"b": bytes(32)}).open(kek_id, sealed, tenant_id, "kid")


@pytest.mark.parametrize("setting", ["", "a", "a:", "a:AAAA", ":" + "A" * 43 + "=", "a:!!"])
def test_malformed_keys_are_refused(setting: str) -> None:
    with pytest.raises(ValueError):
        parse_keys(Secret(setting))


@pytest.mark.parametrize(
    "event_type", ["family", "family.>", "*.revoked", "a.b.c", "family.revoked.x", "Family.x", ""]
)
def test_a_subject_cannot_be_widened(event_type: str) -> None:
    with pytest.raises(ValueError):
        nats_subject(UUID(int=0), event_type)


def test_every_event_is_named_by_entity_and_verb() -> None:
    for name, event in CATALOG.items():
        assert nats_subject(UUID(int=0), name).endswith(name)
        assert (event.__doc__ or "").strip()
