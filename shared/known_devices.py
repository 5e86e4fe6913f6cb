"""Devices that somebody has signed in from before: a cookie proves it, and nothing is stored.

    base64url( device 16 B ‖ for each account: since 8 B ‖ HMAC-SHA256 over device, account and since, 16 B )

What it is good for is the owner's own tries: whoever guesses at an account from elsewhere uses up
the tries of strangers, and not those of the devices that the owner has (OWASP, device cookies).
It proves no more than that: it signs nobody in.
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from shared.clock import Entropy
from shared.secret import Secret, b64url, from_b64url

LIFETIME: Final = timedelta(days=365)
MOST_ACCOUNTS: Final = 5
"""Of one device, for its cookie to stay small; the one that signed in first is forgotten."""

_DEVICE: Final = 16
_MAC: Final = 16
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Proof(msgspec.Struct, frozen=True):
    since: bytes
    mac: bytes


class _Device(msgspec.Struct, frozen=True):
    number: bytes
    proofs: tuple[_Proof, ...] = ()


class KnownDevices:
    """The cookies of one service. `domain` keeps its proofs apart from whatever else is under the key."""

    def __init__(self, key: Secret, domain: bytes) -> None:
        self._key: Final = key
        self._domain: Final = domain

    def recognise(
        self, cookie: str | None, account: Sequence[bytes], *, after: datetime, now: datetime
    ) -> str | None:
        """A name for this device at this account, if it was signed in to it since `after`; else None.

        `account` is its ids, each of 16 bytes.
        """
        device = _read(cookie)
        proof = self._find(device, account)
        if device is None or proof is None:
            return None
        since = _EPOCH + int.from_bytes(proof.since) * _MICROSECOND  # ours: its mac fits
        return device.number.hex() if after <= since and now < since + LIFETIME else None

    def remember(
        self, cookie: str | None, account: Sequence[bytes], *, now: datetime, entropy: Entropy
    ) -> Secret:
        """The cookie after somebody has signed in to this account, with what it was good for before."""
        device = _read(cookie) or _Device(entropy(_DEVICE))
        since = ((now - _EPOCH) // _MICROSECOND).to_bytes(8)
        former = self._find(device, account)
        others = tuple(proof for proof in device.proofs if proof is not former)
        proofs = (*others, _Proof(since, self._mac(device, account, since)))[-MOST_ACCOUNTS:]
        return Secret(b64url(device.number + b"".join(proof.since + proof.mac for proof in proofs)))

    def _find(self, device: _Device | None, account: Sequence[bytes]) -> _Proof | None:
        if device is None:
            return None
        fits = (
            proof
            for proof in device.proofs
            if hmac.compare_digest(proof.mac, self._mac(device, account, proof.since))
        )
        return next(fits, None)

    def _mac(self, device: _Device, account: Sequence[bytes], since: bytes) -> bytes:
        # Every part has a fixed length, so no two inputs read the same.
        message = self._domain + device.number + b"".join(account) + since
        return hmac.digest(self._key.reveal().encode("ascii"), message, "sha256")[:_MAC]


def _read(cookie: str | None) -> _Device | None:
    if cookie is None:
        return None
    try:
        return _decode(from_b64url(cookie))
    except ValueError:
        return None


def _decode(raw: bytes) -> _Device:
    """Raises: ValueError."""
    size = 8 + _MAC
    count, rest = divmod(len(raw) - _DEVICE, size)
    if rest or not 0 <= count <= MOST_ACCOUNTS:
        raise ValueError("not of this form")
    parts = [raw[at : at + size] for at in range(_DEVICE, len(raw), size)]
    return _Device(raw[:_DEVICE], tuple(_Proof(part[:8], part[8:]) for part in parts))
