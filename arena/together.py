"""Waiting for several things at once, without leaving any of them behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def together(*awaitables: Awaitable[T]) -> list[T]:
    """Return all results in order; where one fails, its exception is raised when the others have ended too.

    `asyncio.gather` raises at once and leaves the others running: a request that nobody waits for any more would still be sent,
    maybe after the accounts have passed to another run.
    """
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
