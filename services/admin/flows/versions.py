"""Versions of what can be changed, so that nobody overwrites what they have not seen (RFC 9110 §13.1.1).

The `ETag` of an app, a client, key settings or a member is the version of the settings that can be
changed. A change that names a version (`If-Match`) is made only if it is still the present one, which is
looked at under the lock of the change. One that names none is made: it says what to change and leaves
the rest.
"""

import hashlib
from typing import Final

import msgspec

from services.admin.flows.refused import Refused
from shared.secret import b64url

ANY: Final = "*"


class Outdated(Refused):
    """Somebody was faster."""

    status = 412
    title = "It has changed"

    def __init__(self) -> None:
        super().__init__("It is no longer what If-Match names. Get it again, and look at what has changed.")


def version_of(record: msgspec.Struct) -> str:
    return b64url(hashlib.sha256(msgspec.json.encode(record)).digest()[:12])


def require_version(versions: frozenset[str] | None, record: msgspec.Struct) -> None:
    """`versions`: what the change may begin from; None for any. Raises: Outdated."""
    if versions is not None and ANY not in versions and version_of(record) not in versions:
        raise Outdated
