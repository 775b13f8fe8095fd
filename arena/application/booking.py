"""From what a unit of work did to what is booked: pure, so that a replay and the live path book alike."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.application.alerts import alerts_of
from arena.application.deciding import Asked
from arena.application.finished import finished_intents
from arena.application.language_model import Prompt
from arena.application.prompt import prompt_hash
from arena.application.record import Booking, CycleRecord, EquityPoint, PositionPoint, SeasonState, Turn
from arena.application.sending import Execution
from arena.application.settlement import Protection
from arena.application.venue import CaughtUp, Sent, marks_of
from arena.domain.competitor import CompetitorId
from arena.domain.ledger import Ledger
from arena.domain.market import MarketSnapshot
from arena.domain.order import OrderOutcome, OrderStatus
from arena.domain.plan import OrderPlan

Executions = Mapping[CompetitorId, Execution]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """What the competitors were asked, and what they said and got.

    Attributes:
        configuration: What was the same for all of them, of `evidence.configuration`.
    """

    prompts: Mapping[CompetitorId, Prompt]
    turns: tuple[Turn, ...]
    configuration: str


def snapshot_hash(snapshot: MarketSnapshot) -> str:
    """Return the SHA-256 of everything in the snapshot, so that two cycles can be shown to have seen the same."""
    lines = [snapshot.as_of.isoformat()]
    for symbol, market in sorted(snapshot.symbols.items()):
        lines.append(f"{symbol} {market.last_price} {market.mark_price} {market.funding_rate}")
        lines += [candle.text for candle in market.candles]
    lines += [f"{symbol}: {why}" for symbol, why in sorted(snapshot.missing.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def points_of(
    ledgers: Mapping[CompetitorId, Ledger], marks: Mapping[str, Decimal], at: datetime
) -> tuple[tuple[EquityPoint, ...], tuple[PositionPoint, ...]]:
    """Return every competitor's worth at `at`, and its open positions beside it."""
    equity = tuple(
        EquityPoint(
            llm_id=llm_id,
            wallet_balance=ledger.wallet_balance,
            unrealized_pnl=ledger.unrealized_pnl(marks),
            equity=ledger.equity(marks),
            time=at,
        )
        for llm_id, ledger in ledgers.items()
    )
    positions = tuple(
        PositionPoint(
            llm_id=llm_id,
            symbol=position.symbol,
            position_side=position.side,
            signed_quantity=position.signed_quantity,
            entry_price=position.entry_price,
            mark_price=marks[position.symbol],
            unrealized_pnl=position.unrealized_pnl(marks[position.symbol]),
            time=at,
        )
        for llm_id, ledger in ledgers.items()
        for position in ledger.positions.values()
    )
    return equity, positions


def dialogue_of(
    prompts: Mapping[CompetitorId, Prompt],
    asked: Mapping[CompetitorId, Asked],
    plans: Mapping[CompetitorId, OrderPlan],
    executions: Executions,
    configuration: str,
) -> Dialogue:
    """Return what each competitor was asked, said and got."""
    turns = tuple(
        Turn(
            llm_id=llm_id,
            account_prompt=prompt.account,
            answer=asked[llm_id].answer,
            calls=asked[llm_id].calls,
            plan=plans[llm_id],
            outcomes=tuple(executions[llm_id].outcomes),
            skipped=dict(executions[llm_id].skipped),
            asking=asked[llm_id].asking,
            ordered_at=executions[llm_id].began_at if executions[llm_id].outcomes else None,
        )
        for llm_id, prompt in prompts.items()
    )
    return Dialogue(prompts=prompts, turns=turns, configuration=configuration)


def sent_by(state: SeasonState, plans: Mapping[CompetitorId, OrderPlan], executions: Executions) -> Sent:
    """Return what a unit of work has sent, as the settlement after it must know it."""
    intents = {intent.order.client_order_id: intent for plan in plans.values() for intent in plan.intents()}
    known = {**intents, **state.intents}
    symbols: dict[Any, frozenset[str]] = {}
    for llm_id, execution in executions.items():
        account = state.season.account_of(llm_id)
        traded = {known[o.client_order_id].order.symbol for o in execution.outcomes if _may_have_traded(o)}
        symbols[account] = symbols.get(account, frozenset()) | traded
    outcomes = [outcome for execution in executions.values() for outcome in execution.outcomes]
    return Sent(
        symbols=symbols,
        filled={o.client_order_id: o.filled_quantity for o in outcomes if o.status is OrderStatus.FILLED},
        intents=intents,
        protection=Protection(
            gone=frozenset(order_id for execution in executions.values() for order_id in execution.gone),
            replaced={(llm_id, key): ids for llm_id, each in executions.items() for key, ids in each.replaced.items()},
        ),
    )


def sweep_booking(
    state: SeasonState,
    caught: CaughtUp,
    executions: Executions,
    sent: Sent,
    waiting: Collection[str],
    lingering: Collection[str] = (),
) -> Booking:
    """Return the unit of work of a sweep; `waiting` and `lingering` as in `finished_intents`."""
    return Booking(
        cycle=state.number,
        alerts=alerts_of(caught.settlement, executions.values(), caught.differences, caught.until),
        **_booked(state, caught, caught.marks(), executions, sent, waiting, lingering),
    )


def cycle_record(
    number: int,
    state: SeasonState,
    caught: CaughtUp,
    snapshot: MarketSnapshot,
    dialogue: Dialogue,
    executions: Executions,
    sent: Sent,
) -> CycleRecord:
    """Return the unit of work of a cycle.

    Args:
        number: The cycle's.
        state: As booked before it.
        caught: After its last order.
        snapshot: What the models saw; its marks stand in for what the accounts do not show.
        dialogue: What they were asked and said.
        executions: In the order of sending.
        sent: Of `sent_by`.
    """
    shared = next(iter(dialogue.prompts.values()))
    earlier = [intent.order for name, intent in state.intents.items() if name not in sent.intents]
    waiting = [order.client_order_id for order in earlier if not order.order_type.conditional]
    return CycleRecord(
        cycle=number,
        scheduled_at=snapshot.as_of,
        static_prompt=shared.static,
        market_prompt=shared.market,
        prompt_hash=prompt_hash(shared),
        snapshot_hash=snapshot_hash(snapshot),
        configuration=dialogue.configuration,
        execution_order=tuple(executions),
        turns=dialogue.turns,
        alerts=alerts_of(caught.settlement, executions.values(), caught.differences, caught.until, dialogue.turns, state.past),
        **_booked(state, caught, {**snapshot.marks(), **caught.shown_marks()}, executions, sent, waiting),
    )


def _booked(
    state: SeasonState,
    caught: CaughtUp,
    marks: Mapping[str, Decimal],
    executions: Executions,
    sent: Sent,
    waiting: Collection[str],
    lingering: Collection[str] = (),
) -> dict[str, Any]:
    """Return what every booking has."""
    settlement = caught.settlement
    known_marks = marks_of(settlement.ledgers.values(), marks)
    equity, positions = points_of(settlement.ledgers, known_marks, caught.until)
    outcomes = tuple((llm_id, outcome) for llm_id, each in executions.items() for outcome in each.outcomes)
    return {
        "season_id": state.season.season_id,
        "booking": state.booking + 1,
        "closed_at": caught.until,
        "books": settlement.books,
        "fills": settlement.fills,
        "foreign": settlement.foreign,
        "funding": settlement.funding,
        "entries": settlement.entries,
        "closed_trades": settlement.closed_trades,
        "outcomes": outcomes,
        "equity": equity,
        "positions": positions,
        "discrepancies": caught.differences,
        "closed_intents": finished_intents({**sent.intents, **state.intents}, settlement, sent, outcomes, waiting, lingering),
    }


def _may_have_traded(outcome: OrderOutcome) -> bool:
    return outcome.status in (OrderStatus.FILLED, OrderStatus.UNKNOWN)
