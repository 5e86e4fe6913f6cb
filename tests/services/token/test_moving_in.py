"""An archive of a tenant whose author is a stranger: somebody who had the passphrase made it."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local.stack import Stack
from deploy.move import archive
from shared.secret import Secret
from tests.services.token.conftest import World
from tests.services.token.test_moving import PASSPHRASE, Elsewhere, arrive, count, elsewhere, leave, world

__all__ = ["elsewhere", "world"]


def rewrite(
    path: Path,
    *,
    about: dict[str, Any] | None = None,
    row: dict[str, Any] | None = None,
    table: str = "admin.tenants",
) -> None:
    """What the archive says of the app, or its row, as somebody who has the passphrase could make it."""
    with path.open("rb") as file:
        lines = list(archive.read(file, Secret(PASSPHRASE)))
    with path.open("wb") as file:
        writer = archive.Writer(file, Secret(PASSPHRASE))
        for line in lines:
            if "issuer" in line:
                line |= about or {}
            if line.get("table") == table:
                line["row"] |= row or {}
            writer.write(line)
        writer.close()


async def test_no_app_comes_with_anothers_issuer(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    """It would sign tokens here in the name of another app, or of somebody's domain."""
    path, slug = tmp_path / "a", world.slug
    await leave(stores, world, path)
    advice = {
        f"http://localhost/t/{slug}-two": "take --new-issuer",
        f"https://bank.example/t/{slug}": "MTAS_PUBLIC_URL to https://bank.example;",
    }
    for issuer, words in advice.items():
        rewrite(path, about={"issuer": issuer})
        refused = await arrive(elsewhere, path)
        assert refused.exit_code == 1
        assert words in refused.output
        assert f"http://localhost/t/{slug}" in refused.output, "and which one it has here"
    assert await count(elsewhere, world) == 0


async def test_an_archive_has_rows_of_its_own_app_alone(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    await leave(stores, world, path)

    rewrite(path, row={"tenant_id": str(uuid4()), "slug": "another-app"})
    refused = await arrive(elsewhere, path)
    assert "rows of another app" in refused.output
    assert not await elsewhere.seed.fetch("select 1 from admin.tenants where slug = 'another-app'")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(
            lambda: rsa.generate_private_key(65537, 1024), "none to sign with: An RSA key must", id="short"
        ),
        pytest.param(
            lambda: rsa.generate_private_key(3, 2048), "none to sign with: The public", id="exponent"
        ),
        pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), "none to sign with", id="curve"),
        pytest.param(
            lambda: rsa.generate_private_key(65537, 2048), "not the one that is published", id="other"
        ),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), "not the one that", id="other kind"),
    ],
)
async def test_an_archives_signing_key_is_one_that_we_would_have_made(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path, make: Any, words: str
) -> None:
    """Nobody looks at it again: one of 64 kilobits would keep every app of a process waiting for minutes."""
    path = tmp_path / "a"
    await leave(stores, world, path)
    der = make().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    rewrite(path, row={"sealed_private_key": "\\x" + der.hex()}, table="jwks.signing_keys")
    refused = await arrive(elsewhere, path)
    assert (refused.exit_code, words in refused.output) == (1, True), refused.output
    assert await count(elsewhere, world) == 0


@pytest.mark.parametrize("costs", ["m=4194304,t=2,p=1", "m=19456,t=1000000,p=1", "m=19456,t=2,p=1000"])
async def test_an_archives_password_hash_takes_no_more_than_a_few_of_ours(
    stores: Stack, elsewhere: Elsewhere, world: World, tmp_path: Path, costs: str
) -> None:
    path = tmp_path / "a"
    await leave(stores, world, path)
    hashed = f"$argon2id$v=19${costs}$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA"
    rewrite(path, row={"password_hash": hashed}, table="authorize.credentials")
    refused = await arrive(elsewhere, path)
    assert (refused.exit_code, "password hash" in refused.output) == (1, True), refused.output
    assert await count(elsewhere, world) == 0
