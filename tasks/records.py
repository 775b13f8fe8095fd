"""The store: repeated on faults, since every write is idempotent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from arena.application.booking import cycle_record
from arena.application.cycle import Opening, close_cycle, open_cycle
from arena.application.execution import Execution
from arena.application.ports import Prompt
from arena.application.record import CycleRecord, SeasonState, Turn
from arena.bootstrap import Arena
from arena.domain.competitor import CompetitorId
from arena.domain.market import MarketSnapshot
from arena.domain.plan import OrderPlan
from tasks.step import step, worth_repeating

WRITES = {
    "retries": 5,
    "retry_delay_seconds": [1, 2, 4, 8, 16],
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": worth_repeating,
}


@step("open")
async def begin(arena: Arena) -> tuple[int, datetime, SeasonState]:
    """Claim the cycle's number and load the state it starts from."""
    await arena.exchange.prepare(arena.season.symbols, arena.limits.max_leverage)
    return await open_cycle(arena.season.season_id, arena.market, arena.records)


@step("intents", **WRITES)
async def write_intents(arena: Arena, plans: Mapping[CompetitorId, OrderPlan]) -> None:
    """Write every order down before any is sent."""
    intents = [intent for plan in plans.values() for intent in plan.intents()]
    await arena.records.append_intents(arena.season.season_id, intents)


@step("book")
async def close(
    arena: Arena,
    opening: Opening,
    snapshot: MarketSnapshot,
    prompts: Mapping[CompetitorId, Prompt],
    turns: tuple[Turn, ...],
    executions: Mapping[CompetitorId, Execution],
) -> CycleRecord:
    """Book what came of the orders from the venue's own trades."""
    intents = {intent.order.client_order_id: intent for turn in turns if turn.plan for intent in turn.plan.intents()}
    closing = await close_cycle(opening, executions, intents, arena.market, arena.exchange)
    return cycle_record(opening, closing, snapshot, prompts, turns, executions, intents)


@step("append", **WRITES)
async def append(arena: Arena, record: CycleRecord) -> None:
    """Keep the whole cycle or nothing of it, once."""
    await arena.records.append_cycle(record)
