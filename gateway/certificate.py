"""Is there a certificate to serve with? Asked before the gateway is started, for Envoy starts without one:
it says that it is alive, and closes every connection."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.render import TLS


def fault_of(tls: TLS) -> str | None:
    """What is wrong with the files, and what to do; None when all is well, or when they cannot be seen here:
    the folder may be Envoy's alone, and the key readable for Envoy's user alone."""
    for path in (tls.certificate, tls.private_key):
        if path.parent.is_dir() and _is_missing(path):
            return f"there is no {path}: put the certificate, with its chain, and its key into that folder"
    certificate, private_key = _read(tls.certificate), _read(tls.private_key)
    try:
        shown = x509.load_pem_x509_certificate(certificate).public_key() if certificate is not None else None
    except ValueError:
        return f"{tls.certificate} holds no certificate in PEM"
    try:
        key = load_pem_private_key(private_key, None) if private_key is not None else None
    except (ValueError, TypeError):
        return f"{tls.private_key} holds no key in PEM without a passphrase"
    if shown is not None and key is not None and key.public_key() != shown:
        return f"{tls.private_key} is not the key of {tls.certificate}, whose own certificate must come first"
    return None


def _is_missing(path: Path) -> bool:
    """Not so when it cannot be seen."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
