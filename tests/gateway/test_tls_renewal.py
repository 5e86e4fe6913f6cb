"""A certificate that is renewed is served from then on, by the Envoy that runs."""

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from gateway.render import TLS, render_secret
from tests.gateway.conftest import Start
from tests.gateway.process import Gateway
from tests.gateway.test_tls import client, make_certificate
from tests.gateway.wire import request

PUBLIC_URL = "https://auth.example.test"
Renewal = Callable[[Path, Path], None]


async def serial(gateway: Gateway) -> int:
    """Of the certificate that a new connection is shown."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    async with gateway.connection(anybody) as (_, writer):
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).serial_number


async def shows(gateway: Gateway, number: int, *, tries: int = 100) -> bool:
    for _ in range(tries):
        with suppress(OSError):
            if await serial(gateway) == number:
                return True
        await asyncio.sleep(0.02)
    return False


def moved(new: Path, folder: Path) -> None:
    """As a hook of certbot should: each beside the one that it replaces, then in its place."""
    for name in ("privkey.pem", "fullchain.pem"):
        os.replace(new / name, folder / name)


def written_over(new: Path, folder: Path) -> None:
    """In place, which Envoy does not see; then anything is moved into the folder."""
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / name).write_bytes((new / name).read_bytes())
    (folder / ".new").touch()
    os.replace(folder / ".new", folder / ".renewed")


def swapped(new: Path, folder: Path) -> None:
    """As Kubernetes renews a mounted Secret: one link moves, and with it both."""
    (folder / "..new").symlink_to(new)
    os.replace(folder / "..new", folder / "..data")


async def serving(start: Start, folder: Path) -> Gateway:
    tls = TLS(folder / "fullchain.pem", folder / "privkey.pem", folder.parent / "certificate.json")
    assert tls.secret
    tls.secret.write_text(render_secret(tls))
    return await start(tls=tls, public_url=PUBLIC_URL)


@pytest.mark.parametrize("renew", [moved, written_over, swapped], ids=lambda renew: str(renew.__name__))
async def test_a_renewed_certificate_is_served_and_no_connection_ends(
    start: Start, tmp_path: Path, renew: Renewal
) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    first, second = (tmp_path / "first"), (tmp_path / "second")
    for number, made in enumerate((first, second), 1):
        made.mkdir()
        make_certificate(made / "fullchain.pem", made / "privkey.pem", serial=number)
    if renew is swapped:
        (folder / "..data").symlink_to(first)
        for name in ("fullchain.pem", "privkey.pem"):
            (folder / name).symlink_to(f"..data/{name}")
    else:
        moved(first, folder)
    gateway = await serving(start, folder)
    assert await shows(gateway, 1)
    context = client(TLS(folder / "fullchain.pem", folder / "privkey.pem"), "http/1.1")
    async with gateway.connection(context) as (reader, writer):
        renew(second, folder)
        assert await shows(gateway, 2)
        writer.write(request("GET", "/t/acme/jwks.json"))  # on the connection from before
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_a_certificate_without_its_key_changes_nothing(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    make_certificate(folder / "fullchain.pem", folder / "privkey.pem", serial=1)
    gateway = await serving(start, folder)
    assert await shows(gateway, 1)
    make_certificate(tmp_path / "fullchain.pem", tmp_path / "privkey.pem", serial=2)
    os.replace(tmp_path / "fullchain.pem", folder / "fullchain.pem")
    assert not await shows(gateway, 2, tries=20)
    assert await serial(gateway) == 1
    os.replace(tmp_path / "privkey.pem", folder / "privkey.pem")
    assert await shows(gateway, 2)


async def test_without_a_certificate_nobody_is_served_until_there_is_one(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "tls").mkdir()
    gateway = await serving(start, tmp_path / "tls")
    with pytest.raises(OSError):
        await serial(gateway)
    make_certificate(tmp_path / "fullchain.pem", tmp_path / "privkey.pem", serial=1)
    moved(tmp_path, tmp_path / "tls")
    assert await shows(gateway, 1)
