"""What an archive brings is used without another look, so it gets one here: its author may be a stranger.

A key that takes minutes to sign with, or a hash that takes gigabytes to verify, would hold up the other apps.
"""

from base64 import encodebytes
from typing import Final

import argon2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from deploy.move.errors import MoveError
from deploy.move.tables import Row
from services.jwks.flows.import_key import InvalidKey, read_key
from services.jwks.flows.key_generation import alg_of, thumbprint
from shared.secret import Secret

CREDENTIALS: Final = "authorize.credentials"
MOST_KIB: Final = 256 * 1024
MOST_PASSES: Final = 16


def check_signing_key(private: bytes, row: Row) -> None:
    """Whole, of a size that we sign with, and the one whose public half is published. Raises: MoveError."""
    pem = f"-----BEGIN PRIVATE KEY-----\n{encodebytes(private).decode()}-----END PRIVATE KEY-----\n"
    try:
        key = read_key(Secret(pem))
        published = (RSAKey if row["alg"] == "RS256" else ECKey).import_key(row["public_jwk"])
        is_published = alg_of(key) == row["alg"] and thumbprint(key) == published.thumbprint()
    except InvalidKey as error:
        raise MoveError(f"The archive's signing key {row['kid']} is none to sign with: {error}") from None
    except (JoseError, ValueError, TypeError, KeyError):
        is_published = False
    if not is_published:
        raise MoveError(f"The archive's signing key {row['kid']} is not the one that is published")


def check_password_hash(row: Row) -> None:
    """One that cannot be read fits no password, and costs nothing. Raises: MoveError."""
    try:
        costs = argon2.extract_parameters(row["password_hash"])
    except argon2.exceptions.InvalidHashError:
        return
    if costs.memory_cost > MOST_KIB or costs.time_cost > MOST_PASSES or costs.parallelism > MOST_PASSES:
        raise MoveError("The archive has a password hash that takes too much to verify")
