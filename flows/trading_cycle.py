"""One trading cycle: protect, see the market, ask all models at once, check, execute, book, tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from arena.application.booking import dialogue_of
from arena.application.cycle import Opening, liquidated_turns
from arena.application.deciding import Asked, spent_hours, unanswered
from arena.application.ports import Prompt
from arena.application.record import CycleRecord
from arena.bootstrap import Arena, open_arena
from arena.configuration import load_settings
from arena.domain.competitor import CompetitorId
from arena.domain.plan import Desk
from arena.errors import CycleConflict
from arena.halting import halted
from arena.logs import configure_logging
from tasks import decisions, market, notifications, orders, protection, records

BOOKING_TRIES = 3


@flow(name="trading-cycle", validate_parameters=False)
async def trading_cycle() -> CycleRecord | State[None]:
    """Run one cycle of the season that `.env` configures, and return what was booked; end as "Halted" while it is halted."""
    settings = load_settings()
    configure_logging(settings)
    why = halted(settings)
    record = None
    if why is None:
        async with open_arena(settings) as arena:
            record = await run_cycle(arena)
        why = halted(settings)
    if record is None:
        return Completed(name="Halted", message=f"{settings.halt_file}: {why}")
    line = f"cycle {record.number} booked: {_in_words(record)}"
    get_run_logger().info(line)
    logging.getLogger("arena.cycle").info(line)
    for alert in record.alerts:
        logging.getLogger("arena.cycle").info(alert.text)
    return record


async def run_cycle(arena: Arena) -> CycleRecord | None:
    """Compose the tasks of a cycle; data flows from top to bottom, and nothing is sent before all have decided.

    None where the books cannot be explained: the season is then halted, and nobody is asked.
    """
    swept = await protection.protect(arena)
    if swept.alerts:
        await notifications.notify(arena, swept.alerts)
    if swept.halt is not None:
        await arena.halt(swept.halt)
        return None
    opening = await records.begin(arena)
    snapshot = await market.snapshot(arena, opening.as_of)
    studied = await market.indicators(arena, snapshot)
    prompts = arena.prompts(opening, snapshot, studied)
    asked = await ask_all(arena, opening, prompts)
    record = await act(arena, opening, arena.desk(opening.number, snapshot, studied), prompts, asked)
    await notifications.notify(arena, record.alerts)
    return record


async def act(
    arena: Arena, opening: Opening, desk: Desk, prompts: Mapping[CompetitorId, Prompt], asked: Mapping[CompetitorId, Asked]
) -> CycleRecord:
    """Do what was decided, and book it; this run alone acts on the accounts meanwhile."""
    async with arena.acting() as held:
        caught = await orders.settle(arena, held)
        plans = await orders.plan(opening, caught, {llm_id: each.answer for llm_id, each in asked.items()}, desk)
        await records.write_intents(arena, plans)
        executions = await orders.execute(arena, held, plans)
        dialogue = dialogue_of(prompts, asked, plans, executions)
        for last in (*(False for _ in range(BOOKING_TRIES - 1)), True):
            record = await orders.close(arena, held, opening, desk.snapshot, dialogue, plans, executions)
            try:
                await records.append(arena, record)
                break
            except CycleConflict:  # a sweep has booked after this run was held up: the venue's trades tell what is left to book
                if last:
                    raise
    return record


async def ask_all(arena: Arena, opening: Opening, prompts: Mapping[CompetitorId, Prompt]) -> dict[CompetitorId, Asked]:
    """Ask all models at the same time under one deadline; a model that fails costs nobody else anything."""
    asked = {
        **spent_hours(opening.state, opening.as_of, arena.settings.llm_max_decisions_per_hour),
        **liquidated_turns(opening),
    }
    waiting = [llm_id for llm_id in prompts if llm_id not in asked]
    deadline = asyncio.get_running_loop().time() + arena.settings.llm_deadline_seconds
    answers = await asyncio.gather(
        *(decisions.decide(llm_id, arena.models[llm_id], prompts[llm_id], arena.season.symbols, deadline) for llm_id in waiting),
        return_exceptions=True,
    )
    for llm_id, answer in zip(waiting, answers, strict=True):
        asked[llm_id] = unanswered(answer) if isinstance(answer, BaseException) else answer
    return asked


def _in_words(record: CycleRecord) -> str:
    worth = ", ".join(f"{point.llm_id} {point.equity:.2f} USDT" for point in record.equity)
    return f"{worth}; {record.requests} requests, weight {record.request_weight}"
