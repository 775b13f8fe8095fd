"""From the books to the orders: nothing here is repeated by Prefect, the client order ids decide what has happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from structlog.contextvars import bound_contextvars

from arena.application.booking import Dialogue
from arena.application.cycle import Opening, close_cycle, plan_turns
from arena.application.execution import execute as carry_out
from arena.application.lease import Held
from arena.application.leaving import leave_together
from arena.application.ports import Exchange
from arena.application.record import CycleRecord
from arena.application.sending import Execution
from arena.application.venue import CaughtUp, catch_up
from arena.bootstrap import Arena
from arena.domain.competitor import SHARED_ACCOUNT, AccountMode, CompetitorId
from arena.domain.decision import Answer
from arena.domain.market import MarketSnapshot
from arena.domain.order import Leg
from arena.domain.plan import Desk, OrderPlan
from tasks.step import step


@step("settle")
async def settle(arena: Arena, held: Held) -> CaughtUp:
    """Book, in memory, what the venue did while the models were thinking."""
    return await catch_up(held.venue, await arena.records.state(arena.season.season_id, held.since), now=held.since)


@step("risk")
async def plan(
    opening: Opening, caught: CaughtUp, answers: Mapping[CompetitorId, Answer], desk: Desk
) -> dict[CompetitorId, OrderPlan]:
    """Size and check every decision; what is not accepted becomes a rejection with its reason."""
    return plan_turns(opening, caught, answers, desk)


@step("execute")
async def execute(
    arena: Arena, held: Held, opening: Opening, caught: CaughtUp, plans: Mapping[CompetitorId, OrderPlan]
) -> dict[CompetitorId, Execution]:
    """Send the orders, competitor by competitor in the cycle's order, after all have decided; a halt leaves only the exits."""

    def account_of(llm_id: CompetitorId) -> Exchange:
        return held.venue.accounts[arena.season.account_of(llm_id)]

    done = {llm_id: Execution(llm_id=llm_id) for llm_id in plans}
    if arena.season.account_mode is AccountMode.SHARED:
        entered = {intent.order.symbol for intent in opening.state.intents.values() if intent.leg is Leg.OPEN}
        await leave_together(plans, caught, entered, held.venue.accounts[SHARED_ACCOUNT], done, arena.clock)
    for llm_id, plan in plans.items():
        with bound_contextvars(competitor=llm_id):
            done[llm_id].begin(arena.clock)
            await carry_out(plan, account_of(llm_id), arena.why_halted, done[llm_id])
    return done


@step("book")
async def close(
    arena: Arena,
    held: Held,
    opening: Opening,
    snapshot: MarketSnapshot,
    dialogue: Dialogue,
    plans: Mapping[CompetitorId, OrderPlan],
    executions: Mapping[CompetitorId, Execution],
) -> CycleRecord:
    """Put together what is booked of the cycle, from the venue's own trades."""
    state = await arena.records.state(arena.season.season_id, held.since)
    record = await close_cycle(opening, state, held.venue, snapshot, dialogue, plans, executions)
    return replace(record, requests=arena.budget.calls.total(), request_weight=arena.budget.weight)
