"""SCRAM-SHA-256 verifiers (RFC 5803 §3), made here so that no password reaches a server's log."""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096  # PostgreSQL's default; these passwords are random, not people's


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for `password`, accepted by ALTER ROLE in its place."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
