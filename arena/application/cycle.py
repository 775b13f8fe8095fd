"""One trading cycle as steps that a flow composes; nothing here knows Prefect.

(sweep) -> open_cycle -> (snapshot, prompts, decisions) -> catch_up -> plan_turns -> (intents, execution) -> close_cycle
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from arena.application.booking import Dialogue, Executions, cycle_record, sent_by
from arena.application.deciding import Asked
from arena.application.ports import MarketData, Records
from arena.application.record import CycleRecord, SeasonState
from arena.application.venue import CaughtUp, Venue, catch_up, held_symbols, marks_of
from arena.domain.competitor import Competitor, CompetitorId, SeasonId
from arena.domain.decision import Answer, Decision, NoAnswer
from arena.domain.ledger import Ledger
from arena.domain.market import MarketSnapshot
from arena.domain.money import ZERO
from arena.domain.order import Intent, Leg
from arena.domain.plan import Desk, OrderPlan
from arena.domain.planning import flatten, plan_orders
from arena.domain.protection import liquidated

LIQUIDATED = NoAnswer(kind="liquidated", error="nothing is left of the capital")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where a cycle stands before the models are asked; everything known up to `as_of` is in the state."""

    number: int
    as_of: datetime
    state: SeasonState


async def open_cycle(season_id: SeasonId, market: MarketData, records: Records) -> Opening:
    """Claim the next cycle.

    Raises:
        CycleConflict: Another run has just claimed it.
    """
    as_of = await market.time()
    state = await records.state(season_id, as_of)
    number = state.number + 1
    await records.begin_cycle(season_id, number, as_of)
    return Opening(number=number, as_of=as_of, state=state)


def execution_order(competitors: Sequence[Competitor], number: int) -> tuple[CompetitorId, ...]:
    """Return the order in which orders are sent; it rotates by cycle, so that nobody is always first."""
    ids = [competitor.llm_id for competitor in competitors]
    first = number % len(ids)
    return tuple(ids[first:] + ids[:first])


def liquidated_turns(opening: Opening) -> dict[CompetitorId, Asked]:
    """Return the competitors that are not asked, because nothing is left to trade with."""
    ledgers = opening.state.ledgers
    return {
        llm_id: Asked(answer=LIQUIDATED) for llm_id, each in ledgers.items() if not each.positions and each.wallet_balance <= 0
    }


def plan_turns(
    opening: Opening, caught: CaughtUp, answers: Mapping[CompetitorId, Answer], desk: Desk
) -> dict[CompetitorId, OrderPlan]:
    """Return every competitor's plan, in the order of execution.

    A liquidated competitor's positions are closed; a bucket it has overclosed is flattened; the rest is its decision's. Each
    plan also fits into what its account can still bind after the plans before it.

    Args:
        opening: Whose models have answered.
        caught: The books after what happened while they thought.
        answers: Of every competitor.
        desk: The cycle's market and limits.
    """
    season = opening.state.season
    available = {account: book.available_balance for account, book in caught.accounts.items()}
    plans: dict[CompetitorId, OrderPlan] = {}
    for llm_id in execution_order(season.competitors, opening.number):
        account = season.account_of(llm_id)
        plan = _plan_turn(answers[llm_id], caught.settlement.ledgers[llm_id], desk, available[account])
        available[account] -= sum((_bound_margin(entry.opening) for entry in plan.entries), ZERO)
        plans[llm_id] = plan
    return plans


async def close_cycle(
    opening: Opening,
    state: SeasonState,
    venue: Venue,
    snapshot: MarketSnapshot,
    dialogue: Dialogue,
    plans: Mapping[CompetitorId, OrderPlan],
    executions: Executions,
) -> CycleRecord:
    """Return what is booked of a cycle: what came of the orders, from the venue's trades, and the marks of that moment.

    Args:
        opening: Where the cycle began.
        state: As booked now; sweeps may have booked since the cycle began.
        venue: Where.
        snapshot: What the models saw.
        dialogue: What they were asked and said.
        plans: What they planned.
        executions: What came of it.
    """
    sent = sent_by(state, plans, executions)
    caught = await catch_up(venue, state, sent)
    held = held_symbols(caught.settlement.ledgers.values())
    marks = await venue.market.marks(held) if held else {}
    return cycle_record(opening.number, state, caught, marks, snapshot, dialogue, executions, sent)


def _plan_turn(answer: Answer, ledger: Ledger, desk: Desk, available: Decimal) -> OrderPlan:
    marks = marks_of([ledger], desk.snapshot.marks())
    if liquidated(ledger, marks, desk.instruments):
        positions = ledger.positions.values()
        return OrderPlan(llm_id=ledger.llm_id, exits=tuple(flatten(p, desk, Leg.LIQUIDATE) for p in positions))
    overclosed = [position for position in ledger.positions.values() if position.overclosed]
    forced = tuple(flatten(position, desk) for position in overclosed)
    if not isinstance(answer, Decision):
        return OrderPlan(llm_id=ledger.llm_id, exits=forced)
    taken = {position.symbol for position in overclosed}
    free = Decision(symbols=tuple(part for part in answer.symbols if part.symbol not in taken))
    plan = plan_orders(free, ledger, desk, available)
    return OrderPlan(
        llm_id=plan.llm_id, exits=forced + plan.exits, entries=plan.entries, rejections=plan.rejections, notes=plan.notes
    )


def _bound_margin(opening: Intent) -> Decimal:
    return opening.order.quantity * opening.arrival_price / opening.leverage
