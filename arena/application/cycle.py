"""One trading cycle as steps that a flow composes; what has no I/O is pure, and nothing here knows Prefect.

open_cycle -> (snapshot) -> settle_opening -> (prompts, decisions) -> plan_turns -> (intents, execution) -> close_cycle
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from arena.application.deciding import Asked
from arena.application.execution import Execution, cancel_all
from arena.application.ports import Exchange, MarketData, Records, VenueBook
from arena.application.record import SeasonState
from arena.application.settlement import Settlement, protected_anew, settle
from arena.domain.competitor import Competitor, CompetitorId, SeasonId
from arena.domain.decision import Answer, Decision, NoAnswer
from arena.domain.instrument import Instrument
from arena.domain.ledger import Ledger
from arena.domain.margin import liquidatable, total_maintenance
from arena.domain.market import FundingRate, MarketSnapshot
from arena.domain.money import ZERO
from arena.domain.order import Fill, Intent, OrderOutcome, OrderStatus
from arena.domain.plan import Desk, OrderPlan, flatten, plan_orders

LIQUIDATED = NoAnswer(kind="liquidated", error="the margin ratio reached 1: all positions are closed")
TRADE_PAUSES = (0.1, 0.3, 0.6, 1.0, 2.0)  # seconds; trades may become visible a little after their order
UNKNOWN_INTENT_LIFE = timedelta(hours=1)  # an order that was never found by then does not fill any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where a cycle stands before the models are asked.

    Attributes:
        venue: The account after the venue's events were fetched.
        stuck: (symbol, client id) of orphaned orders that could not be cancelled.
    """

    number: int
    as_of: datetime
    state: SeasonState
    settlement: Settlement
    venue: VenueBook
    stuck: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Where it stands after the last order: everything up to `closed_at` is booked."""

    closed_at: datetime
    settlement: Settlement
    marks: Mapping[str, Decimal]
    venue: VenueBook
    stuck: tuple[tuple[str, str], ...]


async def open_cycle(season_id: SeasonId, market: MarketData, records: Records) -> tuple[int, datetime, SeasonState]:
    """Claim the next cycle and return its number, its instant and the state it starts from.

    Raises:
        CycleConflict: Another run has just claimed it.
    """
    as_of = await market.time()
    state = await records.state(season_id, as_of)
    number = state.number + 1
    await records.begin_cycle(season_id, number, as_of)
    return number, as_of, state


async def settle_opening(number: int, as_of: datetime, state: SeasonState, market: MarketData, exchange: Exchange) -> Opening:
    """Book what happened since the last cycle, and cancel at once what no position needs any more."""
    symbols = watched_symbols(state.ledgers.values(), state.intents)
    cursor = {symbol: state.cursor.get(symbol, 0) for symbol in symbols}
    fills = await exchange.fills(cursor, state.season.started_at, as_of)
    fundings = await market.fundings(symbols, state.funding_since, as_of)
    settlement = settle(state.season.season_id, state.ledgers, fills, fundings, state.intents, state.cursor)
    stuck = await cancel_all(state.orphans + settlement.orphans, exchange)
    venue = await exchange.book()
    return Opening(number=number, as_of=as_of, state=state, settlement=settlement, venue=venue, stuck=stuck)


def watched_symbols(ledgers: Iterable[Ledger], intents: Mapping[str, Intent]) -> tuple[str, ...]:
    """Return the symbols in which something can have happened: a position is held or an order may fill."""
    held = {symbol for ledger in ledgers for symbol, _ in ledger.positions}
    return tuple(sorted(held | {intent.order.symbol for intent in intents.values()}))


def execution_order(competitors: Sequence[Competitor], number: int) -> tuple[CompetitorId, ...]:
    """Return the order in which orders are sent; it rotates by cycle, so that nobody is always first."""
    ids = [competitor.llm_id for competitor in competitors]
    first = number % len(ids)
    return tuple(ids[first:] + ids[:first])


def liquidated(ledger: Ledger, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]) -> bool:
    """Return whether a competitor's own margin ratio has reached 1, whatever the shared account still holds."""
    return liquidatable(ledger.equity(marks), total_maintenance(ledger.positions.values(), marks, instruments))


def liquidated_turns(
    opening: Opening, snapshot: MarketSnapshot, instruments: Mapping[str, Instrument]
) -> dict[CompetitorId, Asked]:
    """Return the competitors that are not asked, because all their positions are about to be closed."""
    ledgers = opening.settlement.ledgers
    return {
        llm_id: Asked(answer=LIQUIDATED)
        for llm_id, ledger in ledgers.items()
        if liquidated(ledger, marks_of([ledger], snapshot.marks()), instruments)
    }


def marks_of(ledgers: Iterable[Ledger], known: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return `known` marks, and the entry price for a held symbol whose mark could not be read."""
    entries = {symbol: p.entry_price for ledger in ledgers for (symbol, _), p in ledger.positions.items()}
    return {**entries, **known}


def plan_turns(opening: Opening, answers: Mapping[CompetitorId, Answer], desk: Desk) -> dict[CompetitorId, OrderPlan]:
    """Return every competitor's plan, in the order of execution.

    A liquidated competitor's positions are closed; a bucket it has overclosed is flattened; the rest is its decision's. Each
    plan also fits into what the shared account can still bind after the plans before it.
    """
    plans: dict[CompetitorId, OrderPlan] = {}
    available = opening.venue.available_balance
    for llm_id in execution_order(opening.state.season.competitors, opening.number):
        ledger = opening.settlement.ledgers[llm_id]
        plan = _plan_turn(answers[llm_id], ledger, desk, available)
        available -= sum((_bound_margin(entry.opening) for entry in plan.entries), ZERO)
        plans[llm_id] = plan
    return plans


async def close_cycle(
    opening: Opening,
    executions: Mapping[CompetitorId, Execution],
    intents: Mapping[str, Intent],
    market: MarketData,
    exchange: Exchange,
) -> Closing:
    """Book what came of the orders, from the venue's trades, and take the marks of that moment."""
    state, before = opening.state, opening.settlement
    gone = frozenset(order_id for execution in executions.values() for order_id in execution.gone)
    known = {**state.intents, **intents}
    ledgers = {llm_id: protected_anew(before.ledgers[llm_id], executions[llm_id].replaced) for llm_id in before.ledgers}
    symbols = watched_symbols(ledgers.values(), known)
    closed_at, fills = await _visible_trades(opening, executions, symbols, market, exchange)
    fundings: tuple[FundingRate, ...] = await market.fundings(symbols, opening.as_of, closed_at)
    settlement = settle(state.season.season_id, ledgers, fills, fundings, known, before.cursor, gone)
    stuck = await cancel_all(opening.stuck + settlement.orphans, exchange)
    marks = await market.marks(state.season.symbols)
    return Closing(closed_at=closed_at, settlement=settlement, marks=marks, venue=await exchange.book(), stuck=stuck)


def finished_intents(
    known: Mapping[str, Intent], sent: Iterable[OrderOutcome], finished: frozenset[str], current: int, now: datetime
) -> tuple[str, ...]:
    """Return the client ids of intents that nothing more can come of.

    Args:
        known: All that were open, this cycle's included.
        sent: Outcomes of this cycle's orders.
        finished: Ids that filled, were cancelled or were refused.
        current: This cycle's number.
        now: An intent whose order was never found is dropped after `UNKNOWN_INTENT_LIFE`.
    """
    status = {outcome.client_order_id: outcome.status for outcome in sent}

    def over(order_id: str, intent: Intent) -> bool:
        if order_id in finished:
            return True
        if intent.cycle == current:
            return status.get(order_id) not in (OrderStatus.RESTING, OrderStatus.UNKNOWN)
        return not intent.order.order_type.conditional and now - intent.created_at > UNKNOWN_INTENT_LIFE

    return tuple(sorted(order_id for order_id, intent in known.items() if over(order_id, intent)))


async def _visible_trades(
    opening: Opening,
    executions: Mapping[CompetitorId, Execution],
    symbols: Sequence[str],
    market: MarketData,
    exchange: Exchange,
) -> tuple[datetime, tuple[Fill, ...]]:
    """Fetch trades until every order that the venue called filled is among them in full."""
    expected = {
        outcome.client_order_id: outcome.filled_quantity
        for execution in executions.values()
        for outcome in execution.outcomes
        if outcome.status is OrderStatus.FILLED
    }
    cursor = {symbol: opening.settlement.cursor.get(symbol, 0) for symbol in symbols}
    for pause in (*TRADE_PAUSES, None):
        closed_at = await market.time()
        fills = await exchange.fills(cursor, opening.state.season.started_at, closed_at)
        seen: dict[str, Decimal] = {}
        for fill in fills:
            seen[fill.client_order_id] = seen.get(fill.client_order_id, ZERO) + fill.quantity
        if pause is None or all(seen.get(order_id, ZERO) >= quantity for order_id, quantity in expected.items()):
            break
        await asyncio.sleep(pause)
    return closed_at, fills


def _plan_turn(answer: Answer, ledger: Ledger, desk: Desk, available: Decimal) -> OrderPlan:
    marks = marks_of([ledger], desk.snapshot.marks())
    if liquidated(ledger, marks, desk.instruments):
        return OrderPlan(llm_id=ledger.llm_id, exits=tuple(flatten(p, desk) for p in ledger.positions.values()))
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
