"""The store: repeated on faults, since every write is idempotent."""

from __future__ import annotations

from collections.abc import Mapping

from arena.application.cycle import Opening, open_cycle
from arena.application.record import CycleRecord
from arena.bootstrap import Arena
from arena.domain.competitor import CompetitorId
from arena.domain.plan import OrderPlan
from arena.market import CYCLE_PATIENCE
from tasks.step import step

WRITE_PAUSES = (1, 2, 4, 8, 16)


@step("open")
async def begin(arena: Arena) -> Opening:
    """Claim the cycle's number and load the state it starts from."""
    await arena.prepare(CYCLE_PATIENCE)
    return await open_cycle(arena.season.season_id, arena.venue.market, arena.records)


@step("intents", pauses=WRITE_PAUSES)
async def write_intents(arena: Arena, plans: Mapping[CompetitorId, OrderPlan]) -> None:
    """Write every order down before any is sent."""
    intents = [intent for plan in plans.values() for intent in plan.intents()]
    await arena.records.append_intents(arena.season.season_id, intents)


@step("append", pauses=WRITE_PAUSES)
async def append(arena: Arena, record: CycleRecord) -> None:
    """Keep the whole cycle or nothing of it, once."""
    await arena.records.book(record)
