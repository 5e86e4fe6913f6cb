"""Limits on guessing: atomic in Valkey, counted before the guess is looked at.

`Tries` is for an account: some are free, then each one waits longer, and at the end none is
left. `Bucket` is for an address: so many at once, so many a second. What a key is limited to is
its caller's policy; keys carry their service and tenant (`limit:{service}:…`).

Valkey being away raises (answered with 503): a limit that cannot be counted is not waived.
"""

import hashlib
import ipaddress
import math
from datetime import timedelta
from typing import Final

import msgspec

from shared.clock import Clock
from shared.valkey import Valkey

# A value is "{count}:{ms}": how many tries, and when the next one may be.
_TRY: Final = """
local now, free, stop = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[5])
local first, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local count, next_at = 0, 0
local stored = redis.call('get', KEYS[1])
if stored then
    local c, n = string.match(stored, '^(%d+):(%d+)$')
    count, next_at = tonumber(c), tonumber(n)
end
if count >= stop then return math.max(1000, redis.call('ttl', KEYS[1]) * 1000) end
if now < next_at then return next_at - now end
count = count + 1
next_at = 0
if count >= free then next_at = now + math.min(longest, first * 2 ^ (count - free)) end
redis.call('set', KEYS[1], string.format('%d:%d', count, next_at), 'px', ARGV[6])
return 0
"""

# As it lies there for _SPEND; nothing there is a full bucket.
_REFUND: Final = """
local stored = redis.call('get', KEYS[1])
if not stored then return 0 end
local t, at = string.match(stored, '^(%d+):(%d+)$')
local tokens = math.min(tonumber(ARGV[1]) * 1000, tonumber(t) + 1000)
redis.call('set', KEYS[1], string.format('%d:%d', tokens, tonumber(at)), 'keepttl')
return 0
"""

# A value is "{thousandths of a token}:{ms}": what was there, and when. The time never goes back: of two
# processes whose clocks differ, the one ahead would find the difference refilled at every turn.
_SPEND: Final = """
local now, size, refill = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000, tonumber(ARGV[3])
local tokens, at = size, now
local stored = redis.call('get', KEYS[1])
if stored then
    local t, before = string.match(stored, '^(%d+):(%d+)$')
    at = math.max(now, tonumber(before))
    tokens = math.min(size, tonumber(t) + (at - tonumber(before)) * refill)
end
if tokens < 1000 then return math.ceil((1000 - tokens) / refill) end
redis.call('set', KEYS[1], string.format('%d:%d', tokens - 1000, at), 'px', math.ceil(size / refill) + 1000)
return 0
"""


class TooManyTries(Exception):
    """Refused without a look at the guess; the next one may be made after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"{retry_after_s} s")
        self.retry_after_s: Final = retry_after_s


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """`free` tries, then one after a delay that doubles each time, none after `stop`.

    Forgotten `forget_after` the last one counted, or when the caller forgives.
    """

    free: int = 5
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=15)
    stop: int = 100
    forget_after: timedelta = timedelta(hours=24)


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """`size` at once, and `per_second` after that."""

    size: int
    per_second: float


class Limiter:
    """Counts under keys that begin with `limit:{service}:`."""

    def __init__(self, valkey: Valkey, service: str, clock: Clock) -> None:
        self._valkey: Final = valkey
        self._prefix: Final = f"limit:{service}:"
        self._clock: Final = clock
        self._try: Final = valkey.register_script(_TRY)
        self._spend: Final = valkey.register_script(_SPEND)
        self._refund: Final = valkey.register_script(_REFUND)

    async def count_try(self, key: str, tries: Tries) -> None:
        """Count one more try before it is made. Raises: TooManyTries."""
        waits = await self._try(
            keys=[self._prefix + key],
            args=[
                self._now_ms(),
                tries.free,
                _ms(tries.first_delay),
                _ms(tries.longest_delay),
                tries.stop,
                _ms(tries.forget_after),
            ],
        )
        _refuse_if(waits)

    async def forgive(self, key: str) -> None:
        """The right one came: start from the beginning."""
        await self._valkey.delete(self._prefix + key)

    async def spend(self, key: str, bucket: Bucket) -> None:
        """Take one token. Raises: TooManyTries when there is none."""
        waits = await self._spend(
            keys=[self._prefix + key], args=[self._now_ms(), bucket.size, bucket.per_second]
        )
        _refuse_if(waits)

    async def count_try_and_spend(self, key: str, tries: Tries, bucket_key: str, bucket: Bucket) -> None:
        """A try that costs a token too; what either refuses costs neither. Raises: TooManyTries."""
        await self.spend(bucket_key, bucket)
        try:
            await self.count_try(key, tries)
        except TooManyTries:
            await self.refund(bucket_key, bucket)
            raise

    async def refund(self, key: str, bucket: Bucket) -> None:
        """Put back a token that was taken for nothing."""
        await self._refund(keys=[self._prefix + key], args=[bucket.size])

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


def account_key(name: str) -> str:
    """A key part for what somebody typed: any length, any characters, and not to be read back."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def address_key(address: str) -> str:
    """A key part for an address: an IPv6 client owns its /64, so that is what is counted."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)).network_address) + "/64"
    return str(ip)


def _refuse_if(waits_ms: int) -> None:
    if waits_ms > 0:
        raise TooManyTries(math.ceil(waits_ms / 1000))


def _ms(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
