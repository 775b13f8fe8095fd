"""One trading cycle: see the market, settle, ask all models at once, check, execute, book, tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from arena.application.booking import turns_of
from arena.application.cycle import Opening, liquidated_turns
from arena.application.deciding import Asked, spent_hours, unanswered
from arena.application.ports import Prompt
from arena.application.record import CycleRecord
from arena.bootstrap import Arena, open_arena
from arena.domain.competitor import CompetitorId
from arena.domain.market import MarketSnapshot
from arena.halting import halted
from arena.logs import configure_logging
from arena.settings import load_settings
from tasks import decisions, market, notifications, orders, records


@flow(name="trading-cycle", validate_parameters=False)
async def trading_cycle() -> CycleRecord | State[None]:
    """Run one cycle of the season that `.env` configures, and return what was booked; end as "Halted" while it is halted."""
    settings = load_settings()
    configure_logging(settings)
    why = halted(settings)
    if why is not None:
        return Completed(name="Halted", message=f"{settings.halt_file}: {why}")
    async with open_arena(settings) as arena:
        record = await run_cycle(arena)
    line = f"cycle {record.number} booked: {_in_words(record)}"
    get_run_logger().info(line)
    logging.getLogger("arena.cycle").info(line)
    for alert in record.alerts:
        logging.getLogger("arena.cycle").info(alert.text)
    return record


async def run_cycle(arena: Arena) -> CycleRecord:
    """Compose the tasks of a cycle; data flows from top to bottom, and nothing is sent before all have decided."""
    number, as_of, state = await records.begin(arena)
    snapshot = await market.snapshot(arena, state, as_of)
    opening, indicators = await asyncio.gather(orders.settle(arena, number, as_of, state), market.indicators(snapshot))
    desk = arena.desk(number, snapshot)
    prompts = arena.prompts(opening, snapshot, indicators)
    asked = await ask_all(arena, opening, snapshot, prompts)
    plans = await orders.plan(opening, {llm_id: answer.answer for llm_id, answer in asked.items()}, desk)
    await records.write_intents(arena, plans)
    executions = await orders.execute(arena, plans)
    turns = turns_of(prompts, asked, plans, executions)
    record = await records.close(arena, opening, snapshot, prompts, turns, executions)
    await records.append(arena, record)
    await notifications.notify(arena, record.alerts)
    return record


async def ask_all(
    arena: Arena, opening: Opening, snapshot: MarketSnapshot, prompts: Mapping[CompetitorId, Prompt]
) -> dict[CompetitorId, Asked]:
    """Ask all models at the same time under one deadline; a model that fails costs nobody else anything."""
    asked = {
        **spent_hours(opening.state, opening.as_of, arena.settings.llm_max_decisions_per_hour),
        **liquidated_turns(opening, snapshot, arena.instruments),
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
    return ", ".join(f"{point.llm_id} {point.equity:.2f} USDT" for point in record.equity)
