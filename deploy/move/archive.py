"""The archive: JSON lines, sealed with a passphrase, as a stream.

    {"format": "mtas-tenant", "version": 1, "salt": …, "check": …}        one line, readable
    frame, frame, … last frame                        4 bytes of length, AES-256-GCM of at most 1 MiB

The key comes from the passphrase by argon2id (RFC 9106 §4). A frame's nonce is its number and whether it is
the last one (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015), the first line is associated data: a frame
that was changed, moved, left out or cut off does not open. Neither side ever holds more than a frame.
"""

import hmac
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deploy.move.errors import MoveError
from shared.clock import Entropy, random_bytes
from shared.secret import Secret, b64url, from_b64url

FORMAT: Final = "mtas-tenant"
VERSION: Final = 1
SHORTEST_PASSPHRASE: Final = 16
FRAME: Final = 1 << 20
_FULL: Final = 1 << 16  # a frame is sealed when this much has gathered
_TAG: Final = 16
_SALT: Final = 16
_HEADER_LIMIT: Final = 1024


class Writer:
    """Seals lines; without `close` the archive has no end, and does not open."""

    def __init__(self, file: BinaryIO, passphrase: Secret, entropy: Entropy = random_bytes) -> None:
        if len(passphrase.reveal()) < SHORTEST_PASSPHRASE:
            raise MoveError(f"The passphrase is to be {SHORTEST_PASSPHRASE} characters or more")
        salt = entropy(_SALT)
        key, check = _derive(passphrase, salt)
        header = {"format": FORMAT, "version": VERSION, "salt": b64url(salt), "check": b64url(check)}
        self._header: Final = json.dumps(header).encode() + b"\n"
        self._file: Final = file
        self._cipher: Final = AESGCM(key)
        self._frames = 0
        self._gathered = bytearray()
        file.write(self._header)

    def write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._gathered += text
        while len(self._gathered) >= _FULL:
            self._seal(bytes(self._gathered[:FRAME]), last=False)
            del self._gathered[:FRAME]

    def close(self) -> None:
        self._seal(bytes(self._gathered), last=True)
        self._gathered.clear()
        self._file.flush()

    def _seal(self, content: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._frames, last), content, self._header)
        self._file.write(len(sealed).to_bytes(4) + sealed)
        self._frames += 1


def read(file: BinaryIO, passphrase: Secret) -> Iterator[dict[str, Any]]:
    """The lines. Raises: MoveError for another passphrase, at once; for damage, where it is met."""
    header = file.readline(_HEADER_LIMIT)
    cipher = AESGCM(_open_header(header, passphrase))
    rest = b""
    for frame in _frames(file, cipher, header):
        *lines, rest = (rest + frame).split(b"\n")
        yield from (json.loads(line) for line in lines)
    if rest:
        raise _damaged("its last line has no end")


def _frames(file: BinaryIO, cipher: AESGCM, header: bytes) -> Iterator[bytes]:
    length, number = file.read(4), 0
    while length:
        size = int.from_bytes(length)
        if len(length) < 4 or not _TAG <= size <= FRAME + _TAG:
            raise _damaged(f"part {number} has no such length")
        sealed = file.read(size)
        length = file.read(4)  # of the next one: none comes after the last
        try:
            content = cipher.decrypt(_nonce(number, last=not length), sealed, header)
        except InvalidTag:
            what = "does not open" if length else "does not open, or is not the last one"
            raise _damaged(f"part {number} {what}") from None
        yield content
        number += 1
    if number == 0:
        raise _damaged("it is cut off")


def _open_header(header: bytes, passphrase: Secret) -> bytes:
    try:
        fields = json.loads(header)
        known, version = fields["format"] == FORMAT, fields["version"]
        salt, check = from_b64url(fields["salt"]), from_b64url(fields["check"])
    except (ValueError, KeyError, TypeError):
        known = False
    if not known or len(salt) != _SALT:
        raise MoveError("This is no archive of a tenant")
    if version != VERSION:
        raise MoveError(f"The archive is of version {version}, and this program reads version {VERSION}")
    key, expected = _derive(passphrase, salt)
    if not hmac.compare_digest(check, expected):
        raise MoveError("The passphrase is not the one that the archive was sealed with")
    return key


def _derive(passphrase: Secret, salt: bytes) -> tuple[bytes, bytes]:
    """The key, and what tells another passphrase from damage (RFC 9106 §4, the second choice)."""
    derived = hash_secret_raw(passphrase.reveal().encode(), salt, 3, 65536, 4, 64, Type.ID)
    return derived[:32], derived[32:48]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _damaged(how: str) -> MoveError:
    return MoveError(f"The archive is damaged: {how}. Nothing was written")
