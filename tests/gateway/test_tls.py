"""TLS at the gateway, when it is given a certificate."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.__main__ import main
from gateway.render import HSTS_S, TLS
from tests.gateway import http2
from tests.gateway.conftest import Start
from tests.gateway.process import Gateway
from tests.gateway.wire import request


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> TLS:
    folder = tmp_path_factory.mktemp("tls")
    tls = TLS(folder / "certificate.pem", folder / "key.pem")
    make_certificate(tls.certificate, tls.private_key)
    return tls


def make_certificate(certificate: Path, private_key: Path, *, serial: int = 1) -> None:
    """Signed by itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private_key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def client(tls: TLS, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.certificate))
    context.set_alpn_protocols(list(protocols))
    return context


@pytest.fixture
async def secure(start: Start, certificate: TLS) -> Gateway:
    return await start(tls=certificate, public_url="https://auth.example.test")


async def test_services_learn_that_the_outside_speaks_https(secure: Gateway, certificate: TLS) -> None:
    answer = await secure.send(request("POST", "/t/acme/token"), tls=client(certificate, "http/1.1"))
    assert answer.status == 200
    assert secure.services["token"].last.all("x-forwarded-proto") == ["https"]
    assert secure.services["token"].last.all("host") == ["auth.example.test"]


@pytest.mark.parametrize(
    "data",
    [
        request("POST", "/t/acme/token"),
        request("GET", "/nothing"),
        request("GET", "/t/acme%2ftoken"),
        request("GET", "/t/acme/login", [("cookie", "a" * 40_000)]),
    ],
    ids=["an answer", "a 404", "an early 400", "a 431"],
)
async def test_every_answer_carries_hsts(secure: Gateway, certificate: TLS, data: bytes) -> None:
    """RFC 6797 §7.2."""
    answer = await secure.send(data, tls=client(certificate))
    assert answer.headers["strict-transport-security"] == f"max-age={HSTS_S}"


async def test_a_proxy_in_front_may_end_tls(start: Start) -> None:
    """Scheme and HSTS follow the public URL, not the last hop."""
    gateway = await start(public_url="https://auth.example.test", trusted_proxies=1)
    answer = await gateway.ask("POST", "/t/acme/token", [("x-forwarded-proto", "http")])
    assert answer.headers["strict-transport-security"] == f"max-age={HSTS_S}"
    assert gateway.services["token"].last.all("x-forwarded-proto") == ["https"]


async def test_plain_http_carries_no_hsts(gateway: Gateway) -> None:
    """RFC 6797 §7.2: not over a connection without TLS."""
    assert "strict-transport-security" not in (await gateway.ask("POST", "/t/acme/token")).headers


async def test_on_this_machine_hsts_is_unset(start: Start, certificate: TLS) -> None:
    """It holds for a host with all its ports, and developers' own apps live on those."""
    gateway = await start(tls=certificate, public_url="https://localhost:8443")
    answer = await gateway.send(request("GET", "/nothing"), tls=client(certificate))
    assert answer.headers["strict-transport-security"] == "max-age=0"


async def test_http2_is_negotiated(secure: Gateway, certificate: TLS) -> None:
    async with secure.connection(client(certificate, "h2", "http/1.1")) as (reader, writer):
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        writer.write(http2.hello() + http2.ask(1, "GET", "/t/acme/jwks.json"))
        assert (await http2.read_until(reader, http2.HEADERS, 1))[0] == http2.STATUS_200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_below_1_2_is_refused(secure: Gateway, certificate: TLS) -> None:
    """RFC 8996."""
    old = client(certificate)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await secure.send(request("GET", "/"), tls=old)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        new = client(certificate)
        new.minimum_version = new.maximum_version = version
        assert (await secure.send(request("GET", "/nothing"), tls=new)).status == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("no certificate", "there is no {folder}/fullchain.pem: put the certificate"),
        ("no key", "there is no {folder}/privkey.pem: put the certificate"),
        ("another's key", "{folder}/privkey.pem is not the key of {folder}/fullchain.pem"),
        ("no PEM", "{folder}/fullchain.pem holds no certificate in PEM"),
        ("nothing", None),
        ("no folder here", None),
        ("readable for Envoy alone", None),
    ],
)
def test_no_configuration_is_written_for_a_certificate_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str | None
) -> None:
    """Envoy would start, say that it is alive, and close every connection."""
    folder, output = tmp_path / "tls", tmp_path / "envoy.yaml"
    certificate, private_key = folder / "fullchain.pem", folder / "privkey.pem"
    if wrong != "no folder here":  # it may be Envoy's alone
        folder.mkdir()
        make_certificate(certificate, private_key)
    match wrong:
        case "no certificate":
            certificate.unlink()
        case "no key":
            private_key.unlink()
        case "another's key":
            make_certificate(tmp_path / "other.pem", private_key)
        case "no PEM":
            certificate.write_text("-----BEGIN NONSENSE-----")
        case "readable for Envoy alone":  # who runs the tests may be root, who reads everything
            monkeypatch.setattr("os.access", lambda *_, **__: False)
    result = CliRunner().invoke(
        main,
        ["--output", str(output)],
        env={
            "MTAS_PUBLIC_URL": "https://auth.example.test",
            "MTAS_TLS_CERTIFICATE": str(certificate),
            "MTAS_TLS_PRIVATE_KEY": str(private_key),
        },
    )
    assert output.exists() == (said is None) == (result.exit_code == 0), result.output
    if said is not None:
        assert said.format(folder=folder) in result.output
