"""The local certificate authority: made once, its certificates renewed in time."""

import datetime as dt
import socket
import ssl
import threading
from pathlib import Path

import pytest

from deploy.local import tls

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_second_run_keeps_authority_and_certificate(tmp_path: Path) -> None:
    first = tls.ensure(tmp_path, "auth.test", NOW)
    before = (first.ca.read_bytes(), first.certificate.read_bytes(), first.key.read_bytes())
    again = tls.ensure(tmp_path, "auth.test", NOW + dt.timedelta(days=30))
    assert before == (again.ca.read_bytes(), again.certificate.read_bytes(), again.key.read_bytes())


@pytest.mark.parametrize(
    ("host", "days_later"),
    [("other.test", 0), ("127.0.0.2", 0), ("auth.test", 61)],
    ids=["another host", "an address", "near its end"],
)
def test_certificate_is_renewed_by_the_same_authority(tmp_path: Path, host: str, days_later: int) -> None:
    first = tls.ensure(tmp_path, "auth.test", NOW)
    ca, certificate = first.ca.read_bytes(), first.certificate.read_bytes()
    renewed = tls.ensure(tmp_path, host, NOW + dt.timedelta(days=days_later))
    assert renewed.ca.read_bytes() == ca
    assert renewed.certificate.read_bytes() != certificate


def test_lost_authority_is_replaced_with_its_certificate(tmp_path: Path) -> None:
    first = tls.ensure(tmp_path, "auth.test", NOW)
    certificate = first.certificate.read_bytes()
    (tmp_path / "ca-key.pem").unlink()
    assert tls.ensure(tmp_path, "auth.test", NOW).certificate.read_bytes() != certificate


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    made = tls.ensure(tmp_path, "auth.test", NOW)
    for key in (made.key, tmp_path / "ca-key.pem"):
        assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("host", ["auth.test", "localhost", "127.0.0.1", "::1"])
def test_client_that_trusts_the_authority_accepts_the_host(tmp_path: Path, host: str) -> None:
    made = tls.ensure(tmp_path, "auth.test", dt.datetime.now(dt.UTC))
    assert _handshake(made, host) is None


def test_client_refuses_a_host_that_the_certificate_does_not_name(tmp_path: Path) -> None:
    made = tls.ensure(tmp_path, "auth.test", dt.datetime.now(dt.UTC))
    assert isinstance(_handshake(made, "evil.test"), ssl.SSLCertVerificationError)


def _handshake(made: tls.Tls, host: str) -> Exception | None:
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(made.certificate, made.key)
    client_context = ssl.create_default_context(cafile=str(made.ca))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            try:
                server_context.wrap_socket(theirs, server_side=True).close()
            except (ssl.SSLError, OSError):
                return

    server = threading.Thread(target=serve)
    server.start()
    try:
        with ours, client_context.wrap_socket(ours, server_hostname=host):
            return None
    except ssl.SSLError as error:
        return error
    finally:
        server.join()
