"""Passwords: argon2id in a bounded worker pool (RFC 9106; NIST SP 800-63B-4 §3.1.1).

The hash is slow by design and holds 19 MiB while it runs, so only a few run at a time, only so
many wait, and one more is told to come back. Tenants take turns (`fair_share`): one that is
stormed makes no other wait for longer than the hashes that run. Whoever checks a password of
somebody unknown checks a dummy instead: it waits as long, and takes as long.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar
from uuid import UUID

import argon2
import argon2.exceptions

from shared.breached_passwords import is_breached
from shared.fair_share import Counters, FairShare
from shared.guessable import is_about, is_pattern
from shared.normal_form import nfc
from shared.readings import Reading
from shared.text import Text

MIN_LENGTH: Final = 15
"""Where the password is the only factor (NIST SP 800-63B-4 §3.1.1.2)."""
MAX_LENGTH: Final = 256

_ARGON2ID: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
T = TypeVar("T")


def normalize(password: str) -> str:
    """Unicode NFC: the same password from every keyboard. One that is too long stays so."""
    return nfc(password, MAX_LENGTH)


def check_new_password(password: str, *about: str) -> None:
    """May this be somebody's password? Raises: ValueError, with a Text for the one who typed it.

    Long enough, and none of those that are tried first (NIST SP 800-63B-4 §3.1.1.2). `about` is what
    an attacker knows: the email address and name, the app. No rules of composition. Length counts in
    characters after normalization.
    """
    length = len(normalize(password))
    if length < MIN_LENGTH:
        raise ValueError(
            Text("Use at least %(number)s characters: a few words that you will remember.", number=MIN_LENGTH)
        )
    if length > MAX_LENGTH:
        raise ValueError(Text("Use at most %(number)s characters.", number=MAX_LENGTH))
    if is_breached(password):
        raise ValueError(
            Text(
                "This password is known from a data breach, so it is among the first that are tried. "
                "Use a few words that do not belong together."
            )
        )
    if is_pattern(password):
        raise ValueError(
            Text(
                "This is little more than a repetition or a row of keys, and easily guessed. "
                "Use a few words that do not belong together."
            )
        )
    if is_about(password, about):
        raise ValueError(
            Text(
                "This is little more than your name, your email address or the name of the app, and easily "
                "guessed. Use a few words that do not belong together."
            )
        )


class Passwords:
    """Hashes and verifies; one pool a process.

    `workers` run at once, `waiting` more may wait, of one tenant `waiting_each`. Above that every
    method raises Unavailable. Tenant None is the dashboard's developers, who belong to none.
    """

    def __init__(self, *, workers: int = 2, waiting: int = 256, waiting_each: int = 64) -> None:
        self._pool: Final = ThreadPoolExecutor(workers, thread_name_prefix="argon2id")
        self._share: Final = FairShare(workers, waiting=waiting, waiting_each=waiting_each, name="passwords")
        self._dummy: Final = _ARGON2ID.hash("nobody's password")

    @property
    def counters(self) -> Counters:
        """How many run, wait and were refused, and how long they waited."""
        return self._share.counters

    def readings(self) -> Iterator[Reading]:
        return self._share.readings()

    async def hash(self, tenant_id: UUID | None, password: str) -> str:
        """What is stored. Raises: Unavailable."""
        return await self._run(tenant_id, lambda: _ARGON2ID.hash(normalize(password)))

    async def verify(self, tenant_id: UUID | None, password: str, stored: str | None) -> bool:
        """Is it the one behind `stored`? None, for nobody, takes as long and is never it.

        Raises: Unavailable.
        """
        # Nobody's password is longer than this: don't hash for who sends more.
        presented = normalize(password)[: MAX_LENGTH + 1]
        fits = await self._run(tenant_id, lambda: _verify(stored or self._dummy, presented))
        return fits and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Was it hashed with other parameters than today's?"""
        return _ARGON2ID.check_needs_rehash(stored)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, tenant_id: UUID | None, work: Callable[[], T]) -> T:
        await self._share.enter(tenant_id)
        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        except BaseException:
            self._share.leave(tenant_id)
            raise
        future.add_done_callback(lambda done: self._done(tenant_id, done))
        # Shielded: a caller who hangs up does not free the worker that is at work for them.
        return await asyncio.shield(future)

    def _done(self, tenant_id: UUID | None, future: "asyncio.Future[T]") -> None:
        self._share.leave(tenant_id)
        if not future.cancelled():
            future.exception()  # seen here too, when nobody waits any more


def _verify(stored: str, password: str) -> bool:
    try:
        return _ARGON2ID.verify(stored, password)
    except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
        return False
