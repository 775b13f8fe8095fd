"""Nothing is left running behind a failure."""

from __future__ import annotations

import asyncio

import pytest

from arena.errors import ExchangeError
from arena.together import together


def test_the_others_have_ended_when_the_failure_is_raised() -> None:
    ended: list[str] = []

    async def slow(name: str) -> str:
        await asyncio.sleep(0.01)
        ended.append(name)
        return name

    async def failing() -> str:
        raise ExchangeError("no")

    async def both() -> None:
        with pytest.raises(ExchangeError, match="no"):
            await together(failing(), slow("one"))
        assert ended == ["one"]
        assert await together(slow("two"), slow("three")) == ["two", "three"]

    asyncio.run(both())


def test_a_cancelled_wait_cancels_everything() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("cancelled")

    async def wait() -> None:
        await asyncio.wait_for(together(slow(), slow()), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert ended == ["cancelled", "cancelled"]
