"""Secrets of a data folder: made once, readable by their owner alone, never printed."""

import base64
from pathlib import Path

from deploy.local import services
from deploy.local.secrets import Secrets, write_private
from deploy.secrets import MAKERS, SERVICES


def test_second_run_keeps_every_secret(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    first = {name: secrets[name] for name in MAKERS}
    secrets.ensure()
    assert first == {name: secrets[name] for name in MAKERS}


def test_missing_secret_is_made_again_and_the_others_stay(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    kept, lost = secrets["form-secret"], secrets["setup-token"]
    secrets.path("setup-token").unlink()
    secrets.ensure()
    assert secrets["form-secret"] == kept
    assert secrets["setup-token"] != lost


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    assert secrets.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in secrets.folder.iterdir()} == {0o600}


def test_interrupted_write_leaves_the_former_content(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "first")
    (tmp_path / "secret.new").write_text("half of the sec")
    assert path.read_text() == "first"
    write_private(path, "second")
    assert path.read_text() == "second"


def test_secrets_do_not_print(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    assert secrets["form-secret"] not in f"{secrets!r} {secrets}"


def test_keys_have_the_settings_form(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    for name in ("key-encryption-keys", "refresh-token-keys"):
        _, _, key = secrets[name].partition(":")
        assert len(base64.b64decode(key, validate=True)) == 32
    assert 0 <= int(secrets["refresh-token-keys"].partition(":")[0]) <= 255
    assert len(bytes.fromhex(secrets["form-secret"])) == 32


def test_every_secret_that_a_service_is_told_of_is_made() -> None:
    assert set(services.FILES) == set(SERVICES)
    assert {name for names in services.FILES.values() for name in names} <= set(MAKERS)
