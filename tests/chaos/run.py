"""One process of the season: a cycle or a look, in a fork that may be killed at any boundary."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import Any

from arena import bootstrap, connections
from arena import repeated as repeated_module
from arena.adapters.binance import client as client_module
from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.exchange import CONDITIONAL_LOOKUP_PAUSES, LOOKUP_PAUSES
from arena.adapters.binance.limits import RequestBudget
from arena.application import venue as venue_module
from arena.bootstrap import Arena, open_arena
from arena.configuration import load_settings
from arena.errors import ArenaError
from arena.halting import halted
from arena.steps import PLAIN, Steps
from arena.trading_cycle import run_cycle
from tasks import protection
from tests.chaos.models import Gambler
from tests.chaos.weather import PATIENCE


@dataclass(slots=True)
class Boundaries:
    """Counts what this process has begun and ended, and kills it at one of them.

    Attributes:
        deadly: Number of the boundary at which it dies, from 1; 0 for never.
        will: Where its last words are written.
    """

    deadly: int
    will: int
    passed: int = 0

    def cross(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.deadly:
            os.write(self.will, f"{self.passed} {name}".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return the function with a boundary before and after it."""

        @functools.wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.cross(f"before {function.__name__}")
            result = await function(*args, **kwargs)
            self.cross(f"after {function.__name__}")
            return result

        return call


@dataclass(frozen=True, slots=True)
class Life:
    """One process, seen from outside.

    Attributes:
        crossed: Boundaries it came to.
        said: What it ended with, or the boundary at which it was killed.
    """

    killed: bool
    crossed: int
    said: str


def forked(what: str, seed: int, deadly: int, now: float) -> Life:
    """Run a cycle or a look in a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_live(what, seed, Boundaries(deadly, writing), now))
    os.close(writing)
    told = b"".join(iter(lambda: os.read(reading, 65536), b"")).decode()
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(f"a {what} ended with a defect: {told}")
    crossed, _, said = told.partition(" ")
    return Life(os.WIFSIGNALED(status), int(crossed), said)


def _live(what: str, seed: int, boundaries: Boundaries, now: float) -> int:
    """Live, and leave a last word; return the exit code."""
    _instrument(boundaries)
    apart = now - time.time()  # the venue's clock jumps between processes; a ban must end by it
    connections.RequestBudget = functools.partial(RequestBudget, now=lambda: time.time() + apart)  # type: ignore[misc, assignment]
    code = 0
    try:
        said = asyncio.run(_cycle(seed, boundaries) if what == "cycle" else _look())
    except ArenaError as error:
        said = f"{type(error).__name__}: {error}"
    except BaseException as error:  # the parent must hear of it, whatever it is
        traceback.print_exc()
        said, code = repr(error), 70
    os.write(boundaries.will, f"{boundaries.passed} {said}".encode())
    return code


async def _cycle(seed: int, boundaries: Boundaries) -> str:
    settings = load_settings()
    if (why := halted(settings)) is not None:
        return f"halted: {why}"
    async with open_arena(settings, asking=False) as arena:
        record = await run_cycle(_with_gamblers(arena, seed), _bounded(boundaries))
    return "halted" if record is None else f"cycle {record.number}"


async def _look() -> str:
    async with open_arena(load_settings(), asking=False) as arena:
        swept = await protection.look(arena)
        return "blind" if swept is None else "; ".join(alert.text for alert in swept.alerts) or "nothing"


def _with_gamblers(arena: Arena, seed: int) -> Arena:
    return replace(arena, models={each.llm_id: Gambler(seed, each.letter) for each in arena.season.competitors})


def _bounded(boundaries: Boundaries) -> Steps:
    """Put boundaries around every step."""
    return Steps(**{each.name: boundaries.around(getattr(PLAIN, each.name)) for each in fields(Steps)})


def _instrument(boundaries: Boundaries) -> None:
    """Put boundaries around every request that changes the account, and scale the client's patience."""
    FuturesClient.write = boundaries.around(FuturesClient.write)  # type: ignore[method-assign]
    client_module.TIMEOUT_SECONDS *= PATIENCE
    slow_down = RequestBudget.slow_down
    RequestBudget.slow_down = lambda budget, seconds: slow_down(budget, seconds * PATIENCE)  # type: ignore[method-assign]
    client_module.READ_PAUSES = tuple(pause * PATIENCE for pause in client_module.READ_PAUSES)  # type: ignore[assignment]
    repeated_module.asyncio = SimpleNamespace(sleep=lambda seconds: asyncio.sleep(seconds * PATIENCE))  # type: ignore[attr-defined]
    venue_module.PAUSES = tuple(pause * PATIENCE for pause in venue_module.PAUSES)  # type: ignore[assignment]
    bootstrap.BinanceAccount = functools.partial(  # type: ignore[misc, assignment]
        BinanceAccount,
        lookup_pauses=[pause * PATIENCE for pause in LOOKUP_PAUSES],
        conditional_lookup_pauses=[pause * PATIENCE for pause in CONDITIONAL_LOOKUP_PAUSES],
    )
