"""One trading cycle as steps that a flow composes; nothing here knows Prefect.

(sweep) -> open_cycle -> (snapshot, prompts, decisions) -> catch_up -> plan_turns -> (intents, execution) -> close_cycle
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from arena.application.booking import Dialogue, Executions, cycle_record, sent_by
from arena.application.deciding import Asked
from arena.application.entries import outstanding, resting_entries
from arena.application.ports import MarketData
from arena.application.record import CycleRecord, SeasonState
from arena.application.settlement import Settlement
from arena.application.store import Records
from arena.application.venue import CaughtUp, Venue, catch_up, marks_of
from arena.domain.competitor import Competitor, CompetitorId, SeasonId
from arena.domain.decision import Answer, Decision, NoAnswer
from arena.domain.ledger import Ledger, PositionKey
from arena.domain.market import MarketSnapshot
from arena.domain.money import ZERO
from arena.domain.order import Intent, Leg, OrderType, Pending
from arena.domain.plan import Desk, OrderPlan
from arena.domain.planning import NOTHING, flatten, plan_orders
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
    desk = replace(desk, as_of=caught.until)  # the models have thought meanwhile: orders are as old as their sending
    season, settlement = opening.state.season, caught.settlement
    openings = [i for i in opening.state.intents.values() if i.leg is Leg.OPEN and not _has_traded(i, settlement)]
    pending = outstanding(openings, settlement.executed)
    available = {account: book.available_balance for account, book in caught.accounts.items()}
    plans: dict[CompetitorId, OrderPlan] = {}
    for llm_id in execution_order(season.competitors, opening.number):
        account = season.account_of(llm_id)
        entries = pending.get(llm_id, NOTHING)
        plan = _plan_turn(answers[llm_id], settlement.ledgers[llm_id], desk, available[account], entries)
        available[account] -= sum((Pending(opening=entry.opening).margin for entry in plan.entries), ZERO)
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
    """Return what is booked of a cycle: what came of the orders, from the venue's trades, and the accounts' worth after them.

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
    said = {outcome.client_order_id: outcome for execution in executions.values() for outcome in execution.outcomes}
    caught = await catch_up(venue, state, sent, asked=resting_entries(said))
    return cycle_record(opening.number, state, caught, snapshot, dialogue, executions, sent)


def _has_traded(intent: Intent, settlement: Settlement) -> bool:
    """Return whether an opening at the market has traded; a limit order goes on while there is a rest of it."""
    return intent.order.order_type is not OrderType.LIMIT and intent.order.client_order_id in settlement.executed


def _plan_turn(
    answer: Answer, ledger: Ledger, desk: Desk, available: Decimal, pending: Mapping[PositionKey, Pending]
) -> OrderPlan:
    """Plan; what an entry that may still be filled stands in the way of is left to the sweeps, which end the entry first."""
    marks = marks_of([ledger], desk.snapshot.marks())
    settled = [position for key, position in ledger.positions.items() if key not in pending]
    if liquidated(ledger, marks, desk.instruments):
        return OrderPlan(llm_id=ledger.llm_id, exits=tuple(flatten(p, desk, Leg.LIQUIDATE) for p in settled))
    overclosed = [position for position in settled if position.overclosed]
    forced = tuple(flatten(position, desk) for position in overclosed)
    if not isinstance(answer, Decision):
        return OrderPlan(llm_id=ledger.llm_id, exits=forced)
    taken = {position.symbol for position in overclosed}
    free = Decision(symbols=tuple(part for part in answer.symbols if part.symbol not in taken))
    plan = plan_orders(free, ledger, desk, available, pending)
    return OrderPlan(
        llm_id=plan.llm_id, exits=forced + plan.exits, entries=plan.entries, rejections=plan.rejections, notes=plan.notes
    )
