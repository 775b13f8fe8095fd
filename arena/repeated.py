"""A function that is repeated where it fails and another attempt can succeed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

from arena.errors import ConfigurationError, CycleConflict, RateLimited

HOPELESS = (ConfigurationError, CycleConflict)

P = ParamSpec("P")
R = TypeVar("R")


def worth_repeating(fault: object) -> bool:
    """Return whether another attempt can succeed; a banned address (418) must stay silent, or the ban grows."""
    return not isinstance(fault, HOPELESS) and not (isinstance(fault, RateLimited) and fault.banned)


class Repeated(Generic[P, R]):
    """The function with its repetitions.

    Attributes:
        once: The function itself.
        pauses: Seconds before each repetition of a failed attempt; as many repetitions as there are pauses.
        worth: Whether a fault is worth one.
    """

    def __init__(self, once: Callable[P, Awaitable[R]], pauses: Sequence[float], worth: Callable[[object], bool]) -> None:
        self.once, self.pauses, self.worth = once, tuple(pauses), worth
        update_wrapper(self, once)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it until an attempt succeeds, or fails for good."""
        for pause in self.pauses:
            try:
                return await self.once(*args, **kwargs)
            except Exception as fault:
                if not self.worth(fault):
                    raise
            await asyncio.sleep(pause)
        return await self.once(*args, **kwargs)


def repeated(
    *pauses: float, worth: Callable[[object], bool] = worth_repeating
) -> Callable[[Callable[P, Awaitable[R]]], Repeated[P, R]]:
    """Repeat a function after so many seconds each."""
    return lambda once: Repeated(once, pauses, worth)
