"""Seeing that the books agree and that every position is protected; safe to repeat, since its orders keep their ids."""

from __future__ import annotations

import asyncio
import logging

from arena.application.sweep import Swept, sweep
from arena.bootstrap import Arena
from arena.errors import AccountTaken, CycleConflict, ExchangeError
from tasks.logs import log_alerts
from tasks.step import step

LOOK_SECONDS = 5.0  # with the lease of a run that was killed, less than PROTECTION_DEADLINE_SECONDS
BLIND_SECONDS = 1.0  # after a look that saw nothing: somebody may be waiting for a stop

log = logging.getLogger("arena.sweep")


@step("protect", pauses=(1, 2))
async def protect(arena: Arena) -> Swept:
    """Settle, reconcile and protect: the first step of a cycle."""
    async with arena.acting() as held:
        return await sweep(arena.season.season_id, arena.records, held, arena.terms(thorough=True))


@step("watch")
async def watch(arena: Arena, seconds: float) -> list[str]:
    """Look again and again for so many seconds, at least once; return what was done, in sentences.

    One task for all the looks: a task for each would fill Prefect's database with nothing.
    """
    clock = asyncio.get_running_loop().time
    end, done = clock() + seconds, list[str]()
    while True:
        swept = await look(arena)
        done += [alert.text for alert in swept.alerts] if swept else []
        pause = BLIND_SECONDS if swept is None else LOOK_SECONDS
        if clock() + pause > end:
            return done
        await asyncio.sleep(pause)


@step("prepare")
async def prepare(arena: Arena) -> None:
    """See once an hour that the accounts' modes are as they should be, so that no cycle has to ask."""
    try:
        await arena.prepare()
    except ExchangeError as error:
        log.warning("the accounts' modes could not be looked at: %s", error)


async def look(arena: Arena) -> Swept | None:
    """Sweep once and tell what was done; None where a cycle is acting, or the venue cannot be seen: the next look is soon."""
    try:
        async with arena.acting(wait_seconds=0) as held:
            swept = await sweep(arena.season.season_id, arena.records, held, arena.terms(thorough=False))
    except (AccountTaken, CycleConflict):
        return None
    except ExchangeError as error:
        log.warning("the accounts could not be looked at: %s", error)
        return None
    await arena.notifier.notify(swept.alerts)
    if swept.halt is not None:
        await arena.halt(swept.halt)
    log_alerts(log, swept.alerts)
    return swept
