"""Seeing that the books agree and that every position is protected; safe to repeat, since its orders keep their ids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from arena import steps
from arena.application.sweep import Swept, sweep
from arena.bootstrap import Arena
from arena.errors import AccountTaken, CycleConflict, ExchangeError
from arena.logs import log_alerts
from tasks.step import observed

LOOK_SECONDS = 5.0  # with the lease of a run that was killed, less than PROTECTION_DEADLINE_SECONDS
TELL_SECONDS = 15.0  # alerts that could not be sent are tried again so often
BLIND_SECONDS = 1.0  # after a look that saw nothing: somebody may be waiting for a stop

log = logging.getLogger("arena.sweep")


protect = observed("protect")(steps.protect)


@observed("watch")
async def watch(arena: Arena, seconds: float) -> list[str]:
    """Look again and again for so many seconds, at least once; return what was done, in sentences.

    One task for all the looks: a task for each would fill Prefect's database with nothing. Alerts are sent beside the looks.
    """
    clock = asyncio.get_running_loop().time
    end, done, telling = clock() + seconds, list[str](), _Telling(arena, clock)
    while True:
        swept = await look(arena)
        news = [alert.text for alert in swept.alerts] if swept else []
        telling.go_on(at_once=bool(news))
        done += news
        pause = BLIND_SECONDS if swept is None else LOOK_SECONDS
        if clock() + pause > end:
            await telling.end()
            return done
        await asyncio.sleep(pause)


class _Telling:
    """Sends alerts while a sweep goes on: news at once, and every `TELL_SECONDS` what is left of anybody's."""

    def __init__(self, arena: Arena, clock: Callable[[], float]) -> None:
        self._arena, self._clock = arena, clock
        self._due = clock()
        self._sending: asyncio.Task[None] | None = None

    def go_on(self, *, at_once: bool) -> None:
        """Begin to send, unless it is being done."""
        if (at_once or self._clock() >= self._due) and (self._sending is None or self._sending.done()):
            self._due = self._clock() + TELL_SECONDS
            self._sending = asyncio.create_task(self._arena.notifier.deliver())

    async def end(self) -> None:
        """Let what is being sent have its time."""
        if self._sending is not None:
            await self._sending


@observed("prepare")
async def prepare(arena: Arena) -> None:
    """See once an hour that the accounts' modes are as they should be, so that no cycle has to ask."""
    try:
        await arena.prepare()
    except ExchangeError as error:
        log.warning("the accounts' modes could not be looked at: %s", error)


async def look(arena: Arena) -> Swept | None:
    """Sweep once; None where a cycle is acting, or the venue cannot be seen: the next look is soon."""
    try:
        async with arena.acting(wait_seconds=0) as held:
            swept = await sweep(arena.season.season_id, arena.records, held, arena.terms(thorough=False))
    except (AccountTaken, CycleConflict):
        return None
    except ExchangeError as error:
        log.warning("the accounts could not be looked at: %s", error)
        return None
    if swept.halt is not None:
        await arena.halt(swept.halt)
    log_alerts(log, swept.alerts)
    return swept
