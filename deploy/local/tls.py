"""A certificate authority for one data folder, and a certificate for its public host.

For development only: whoever holds `tls/ca-key.pem` can speak as any host to those who
trust `tls/ca.pem`. Both keys are readable by their owner alone.
"""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.secrets import write_private

CA_LIFETIME = dt.timedelta(days=3650)
LEAF_LIFETIME = dt.timedelta(days=90)
RENEW_BEFORE = dt.timedelta(days=30)
CLOCK_SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files."""

    ca: Path
    certificate: Path
    key: Path


def ensure(folder: Path, host: str, now: dt.datetime) -> Tls:
    """A certificate for `host`, made or renewed where the one at hand does not serve."""
    tls = Tls(ca=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server-key.pem")
    ca_key_path = folder / "ca-key.pem"
    if not _serves(tls.ca, None, now) or not ca_key_path.exists():
        _make_ca(tls.ca, ca_key_path, now)
    if not _serves(tls.certificate, host, now) or not tls.key.exists() or not _issued_by(tls):
        _make_leaf(tls, ca_key_path, host, now)
    return tls


def _serves(path: Path, host: str | None, now: dt.datetime) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if now + RENEW_BEFORE > certificate.not_valid_after_utc:
        return False
    if host is None:
        return True
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _general_name(host) in names


def _issued_by(tls: Tls) -> bool:
    ca = x509.load_pem_x509_certificate(tls.ca.read_bytes())
    certificate = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    key_id = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return key_id == _key_id(ca.public_key())


def _key_id(key: object) -> bytes:
    return x509.SubjectKeyIdentifier.from_public_key(key).digest  # type: ignore[arg-type]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)


def _make_ca(path: Path, key_path: Path, now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own for each authority: browsers keep several apart by it.
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"MTAS local CA {_key_id(key.public_key()).hex()[:8]}")]
    )
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key, now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(path, key_path, certificate, key)


def _make_leaf(tls: Tls, ca_key_path: Path, host: str, now: dt.datetime) -> None:
    ca = x509.load_pem_x509_certificate(tls.ca.read_bytes())
    ca_key = load_pem_private_key(ca_key_path.read_bytes(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [
        _general_name(name) for name in dict.fromkeys([host.strip("[]"), "localhost", "127.0.0.1", "::1"])
    ]
    certificate = (
        _builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]),
            ca.subject,
            key,
            now,
            LEAF_LIFETIME,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    _write(tls.certificate, tls.key, certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: dt.datetime,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _write(
    path: Path, key_path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(key_path, pem.decode())
    write_private(path, certificate.public_bytes(Encoding.PEM).decode())
    path.chmod(0o644)
