"""One trading cycle as a flow: `arena.trading_cycle`, with each of its steps a task."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed

from arena.application.lateness import left_out
from arena.application.record import CycleRecord
from arena.bootstrap import Arena, open_arena
from arena.configuration import load_settings
from arena.domain.decision import NoAnswer
from arena.halting import halted
from arena.logs import log_alerts
from arena.trading_cycle import run_cycle
from tasks import artifacts
from tasks.cycle import OBSERVED
from tasks.logs import begin_logging

log = logging.getLogger("arena.cycle")


def run_name() -> str:
    """Return a run's name in the Prefect UI: when it was to start."""
    return f"{flow_run.scheduled_start_time or datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


@flow(name="trading-cycle", flow_run_name=run_name, validate_parameters=False)
async def trading_cycle() -> CycleRecord | State[None]:
    """Run one cycle of the season that `.env` configures, and return what was booked.

    It ends as "Halted" while the season does not run, and as "Skipped" where it comes too late and another has done its cycle.
    """
    settings = load_settings()
    begin_logging(settings)
    if why := halted(settings):
        return Completed(name="Halted", message=f"{settings.halt_file}: {why}")
    async with open_arena(settings) as arena:
        if why := await arena.standing_still():
            return Completed(name="Halted", message=why)
        if why := await too_late(arena):
            return Completed(name="Skipped", message=why)
        record = await run_cycle(arena, OBSERVED)
        if record is None:
            return Completed(name="Halted", message=await arena.standing_still())
        await artifacts.show(arena, record)
    _tell(record)
    return Completed(message=in_words(record), data=record)


async def too_late(arena: Arena) -> str | None:
    """Return why a run of the schedule does no cycle; one that a person has started, or repeats, always does one."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or not run.auto_scheduled or run.run_count > 1 or run.expected_start_time is None:
        return None
    interval = timedelta(seconds=arena.season.interval_seconds)
    return left_out(run.expected_start_time, datetime.now(UTC), interval, await arena.age())


def _tell(record: CycleRecord) -> None:
    log.info("cycle %d booked: %s", record.number, in_words(record))
    log_alerts(log, record.alerts)


def in_words(record: CycleRecord) -> str:
    """Return a cycle in a line, by which a day's history can be read at a glance."""
    worth = ", ".join(f"{point.llm_id} {point.equity:.2f}" for point in record.equity)
    silent = [turn.llm_id for turn in record.turns if isinstance(turn.answer, NoAnswer)]
    sent = sum(len(turn.outcomes) for turn in record.turns)
    failed = f"; no answer from {', '.join(silent)}" if silent else ""
    return f"{worth} USDT; {sent} orders{failed}; {record.requests} requests, weight {record.request_weight}"
