"""The sweep between cycles: book what the venue did, and see that every position is protected."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from arena.bootstrap import open_arena
from arena.configuration import load_settings
from arena.season_start import has_begun
from tasks import protection
from tasks.logs import begin_logging

OVERLAP_SECONDS = 10.0  # a run goes on until the next one has had the time to start


@flow(name="protection-sweep", validate_parameters=False)
async def protection_sweep() -> State[None]:
    """Look at the accounts every few seconds until the next run of the schedule has started, halted or not."""
    settings = load_settings()
    begin_logging(settings)
    if not await has_begun(settings):
        return Completed(message="the season has not begun")
    started = flow_run.scheduled_start_time or datetime.now(UTC)
    passed = (datetime.now(UTC) - started).total_seconds()
    seconds = max(0.0, settings.protection_sweep_seconds + OVERLAP_SECONDS - passed)
    async with open_arena(settings, asking=False) as arena:
        done = await protection.watch(arena, seconds)
        await protection.prepare(arena)
    return Completed(message="; ".join(done) or "nothing to do")
