"""Last night's backup on an empty machine, by the very commands of docs/operate/backup.md."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from deploy.local.postgres import binaries
from deploy.local.services import ROOT
from deploy.local.stack import Stack
from deploy.move.cli import tenant
from tests.conftest import UNLIMITED
from tests.support.eventually import eventually
from tests.support.product import App, Product
from tests.support.tokens import family_of

PAGE = (ROOT / "docs" / "operate" / "backup.md").read_text()
STEPS = dict(re.findall(r"^ *```sh (\S+)\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL))


def command(step: str, **variables: str) -> tuple[list[str], dict[str, str]]:
    path = f"{binaries()}{os.pathsep}{os.environ['PATH']}"
    return ["sh", "-euc", STEPS[step]], {"PATH": path, "LANG": "C.UTF-8"} | variables


def run(step: str, **variables: str) -> None:
    argv, environment = command(step, **variables)
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextmanager
def receiving(stack: Stack, backup: Path) -> Iterator[None]:
    """Until all that has been written until the end was received."""
    argv, environment = command("receive", SUPERUSER_URL=stack.postgres.superuser_url, BACKUP=str(backup))
    with subprocess.Popen(argv, env=environment) as receiver:
        try:
            yield
            (last,) = stack.postgres.query("select pg_walfile_name(pg_switch_wal())")
            eventually((backup / "wal" / last).exists)
        finally:
            receiver.send_signal(signal.SIGINT)
    stack.postgres.query("select pg_drop_replication_slot('mtas_backup')")


def emptied(stack: Stack, backup: Path, data: Path, point: str) -> None:
    """An empty machine: of the old one it has the secrets, and PostgreSQL as restored."""
    shutil.copytree(stack.folder.secrets, data / "secrets")
    cluster = data / "postgres" / "data"
    cluster.mkdir(parents=True, mode=0o700)
    data.chmod(0o700)
    kept = data / "postgres" / "backup"
    shutil.copytree(backup, kept)
    run("restore", BACKUP=str(kept), PGDATA=str(cluster), POINT=point)
    owner = stack.postgres.data.stat()
    for path in [data / "postgres", *(data / "postgres").rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)


def test_last_nights_backup_and_the_log_since(product: Product, tmp_path: Path) -> None:
    stack, backup = product.stack, tmp_path / "backup"
    app = product.register_app()
    email, _ = product.create_user(app)
    tokens, ended, mourned = (product.tokens(app) for _ in range(3))
    with receiving(stack, backup):
        run("base", SUPERUSER_URL=stack.postgres.superuser_url, BACKUP=str(backup))
        late, _ = product.create_user(app)
        rotated = product.refresh(app, tokens["refresh_token"]).json()
        assert product.ask(app, "revoke", {"token": ended["refresh_token"]}).status_code == 200
        (point,) = stack.postgres.query("select now()")
        assert product.ask(app, "revoke", {"token": mourned["refresh_token"]}).status_code == 200
        further = product.refresh(app, rotated["refresh_token"]).json()
    data = tmp_path / "mtas" / "data"
    emptied(stack, backup, data, point)
    with Stack(data, spare_ports=True, durable=False, limits=UNLIMITED) as restored:
        elsewhere = Product(restored)
        there = replace(app, origin=restored.public_url, issuer=f"{restored.public_url}/t/{app.app_id}")
        for address in (email, late):
            sign_in(elsewhere, there, address)
        assert elsewhere.refresh(there, further["refresh_token"]).status_code == 200, "moved forward"
        assert elsewhere.is_active(there, tokens["access_token"]), "its key is there, and opens"
        assert elsewhere.refresh(there, ended["refresh_token"]).json()["error"] == "invalid_grant"
        fresh = elsewhere.refresh(there, mourned["refresh_token"])
        assert fresh.status_code == 200, "revoked after the moment: which is why everybody is signed out"

        done = CliRunner().invoke(tenant, STEPS["sign-out"].split()[2:], env={"MTAS_DATA": str(data)})
        assert done.exit_code == 0, done.output
        for token in (fresh.json()["refresh_token"], further["refresh_token"]):
            assert elsewhere.refresh(there, token).json()["error"] == "invalid_grant"
        assert not elsewhere.is_active(there, fresh.json()["access_token"])
        last = sign_in(elsewhere, there, email)
        # NATS began empty, and events flow.
        assert elsewhere.ask(there, "revoke", {"token": last["refresh_token"]}).status_code == 200
        family = str(family_of(last["access_token"]))
        eventually(lambda: [e for e in elsewhere.events(app, "family.revoked") if e["subject"] == family])
        elsewhere.close()


def sign_in(product: Product, app: App, email: str) -> dict[str, str]:
    with product.browser() as browser:
        answer, verifier = product.sign_in(browser, app, email)
    response = product.redeem(app, answer["code"], verifier)
    assert response.status_code == 200, response.text
    return dict(response.json())
