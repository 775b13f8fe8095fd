"""Seeing that the books agree and that every position is protected; safe to repeat, since its orders keep their ids."""

from __future__ import annotations

import asyncio
import logging

from arena.application.sweep import Swept, sweep
from arena.bootstrap import Arena
from arena.errors import AccountTaken, CycleConflict, ExchangeError
from tasks.step import step, worth_repeating

LOOK_SECONDS = 5.0  # with the lease of a run that was killed, less than PROTECTION_DEADLINE_SECONDS

log = logging.getLogger("arena.sweep")


@step("protect", retries=2, retry_delay_seconds=[1, 2], retry_jitter_factor=0.5, retry_condition_fn=worth_repeating)
async def protect(arena: Arena) -> Swept:
    """Settle, reconcile and protect: the first step of a cycle."""
    async with arena.acting() as venue:
        return await sweep(arena.season.season_id, arena.records, venue, arena.terms(thorough=True))


@step("watch")
async def watch(arena: Arena, seconds: float) -> list[str]:
    """Look again and again for so many seconds, at least once; return what was done, in sentences.

    One task for all the looks: a task for each would fill Prefect's database with nothing.
    """
    clock = asyncio.get_running_loop().time
    end, done = clock() + seconds, list[str]()
    while True:
        done += await look(arena)
        if clock() + LOOK_SECONDS > end:
            return done
        await asyncio.sleep(LOOK_SECONDS)


async def look(arena: Arena) -> list[str]:
    """Sweep once; a venue that cannot be seen, and an account on which a cycle is acting, are left to the next look."""
    try:
        async with arena.acting(wait_seconds=0) as venue:
            swept = await sweep(arena.season.season_id, arena.records, venue, arena.terms(thorough=False))
    except (AccountTaken, CycleConflict):
        return []
    except ExchangeError as error:
        log.warning("the accounts could not be looked at: %s", error)
        return []
    alerts = swept.booking.alerts if swept.booking else ()
    await arena.notifier.notify(alerts)
    if swept.halt is not None:
        await arena.halt(swept.halt)
    for alert in alerts:
        log.info(alert.text)
    return [alert.text for alert in alerts]
