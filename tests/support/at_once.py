"""The same request many times at once, each on a connection of its own."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2


async def at_once(
    number: int, send: Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]
) -> list[httpx2.Response]:
    """Every answer, in no order that means anything."""
    limits = httpx2.Limits(max_connections=number)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as http:
        return await asyncio.gather(*(send(http) for _ in range(number)))
