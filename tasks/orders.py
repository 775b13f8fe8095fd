"""From the books to the orders: nothing here is repeated by Prefect, the client order ids decide what has happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from arena.application.cycle import Opening, plan_turns, settle_opening
from arena.application.execution import Execution
from arena.application.execution import execute as carry_out
from arena.application.record import SeasonState
from arena.bootstrap import Arena
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Answer
from arena.domain.plan import Desk, OrderPlan
from arena.halting import halted
from tasks.step import step


@step("settle")
async def settle(arena: Arena, number: int, as_of: datetime, state: SeasonState) -> Opening:
    """Book what the venue did since the last cycle."""
    return await settle_opening(number, as_of, state, arena.market, arena.exchange)


@step("risk")
async def plan(opening: Opening, answers: Mapping[CompetitorId, Answer], desk: Desk) -> dict[CompetitorId, OrderPlan]:
    """Size and check every decision; what is not accepted becomes a rejection with its reason."""
    return plan_turns(opening, answers, desk)


@step("execute")
async def execute(arena: Arena, plans: Mapping[CompetitorId, OrderPlan]) -> dict[CompetitorId, Execution]:
    """Send the orders, competitor by competitor in the cycle's order, after all have decided; a halt leaves only the exits."""

    def why_halted() -> str | None:
        why = halted(arena.settings)
        return None if why is None else f"the season is halted ({why})"

    return {llm_id: await carry_out(plan, arena.exchange, why_halted) for llm_id, plan in plans.items()}
