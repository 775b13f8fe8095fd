"""From what a cycle did to the record that is booked: pure, so that a replay and the live path book alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from arena.application.alerts import alerts_of
from arena.application.cycle import Closing, Opening, execution_order, finished_intents, marks_of
from arena.application.deciding import Asked
from arena.application.execution import Execution
from arena.application.ports import Prompt
from arena.application.prompt import prompt_hash
from arena.application.reconcile import discrepancies
from arena.application.record import CycleRecord, EquityPoint, PositionPoint, Turn
from arena.domain.competitor import CompetitorId
from arena.domain.ledger import Ledger
from arena.domain.market import MarketSnapshot
from arena.domain.money import plain
from arena.domain.order import Intent
from arena.domain.plan import OrderPlan


def snapshot_hash(snapshot: MarketSnapshot) -> str:
    """Return the SHA-256 of everything in the snapshot, so that two cycles can be shown to have seen the same."""
    symbols = {
        symbol: {
            "last": plain(market.last_price),
            "mark": plain(market.mark_price),
            "funding": None if market.funding_rate is None else plain(market.funding_rate),
            "candles": [
                [c.open_time.isoformat(), *(plain(v) for v in (c.open, c.high, c.low, c.close, c.volume))] for c in market.candles
            ],
        }
        for symbol, market in sorted(snapshot.symbols.items())
    }
    content = {"as_of": snapshot.as_of.isoformat(), "symbols": symbols, "missing": dict(sorted(snapshot.missing.items()))}
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


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


def turns_of(
    prompts: Mapping[CompetitorId, Prompt],
    asked: Mapping[CompetitorId, Asked],
    plans: Mapping[CompetitorId, OrderPlan],
    executions: Mapping[CompetitorId, Execution],
) -> tuple[Turn, ...]:
    """Return what each competitor was asked, said and got."""
    return tuple(
        Turn(
            llm_id=llm_id,
            account_prompt=prompt.account,
            answer=asked[llm_id].answer,
            completion=asked[llm_id].completion,
            attempts=asked[llm_id].attempts,
            plan=plans[llm_id],
            outcomes=tuple(executions[llm_id].outcomes),
            skipped=dict(executions[llm_id].skipped),
        )
        for llm_id, prompt in prompts.items()
    )


def cycle_record(
    opening: Opening,
    closing: Closing,
    snapshot: MarketSnapshot,
    prompts: Mapping[CompetitorId, Prompt],
    turns: tuple[Turn, ...],
    executions: Mapping[CompetitorId, Execution],
    intents: Mapping[str, Intent],
) -> CycleRecord:
    """Return the unit of work of one cycle."""
    before, after, state = opening.settlement, closing.settlement, opening.state
    marks = marks_of(after.ledgers.values(), {**snapshot.marks(), **closing.marks})
    equity, positions = points_of(after.ledgers, marks, closing.closed_at)
    differences = discrepancies(after.ledgers.values(), closing.venue.positions)
    gone = frozenset(order_id for execution in executions.values() for order_id in execution.gone)
    orphans = frozenset(order_id for _, order_id in state.orphans + before.orphans + after.orphans)
    finished = before.filled_ids() | after.filled_ids() | gone | orphans
    shared = next(iter(prompts.values()))
    return CycleRecord(
        season_id=state.season.season_id,
        number=opening.number,
        scheduled_at=opening.as_of,
        closed_at=closing.closed_at,
        static_prompt=shared.static,
        market_prompt=shared.market,
        prompt_hash=prompt_hash(shared),
        snapshot_hash=snapshot_hash(snapshot),
        execution_order=execution_order(state.season.competitors, opening.number),
        turns=turns,
        fills=before.fills + after.fills,
        funding=before.funding + after.funding,
        entries=before.entries + after.entries,
        closed_trades=before.closed_trades + after.closed_trades,
        ledgers=after.ledgers,
        equity=equity,
        positions=positions,
        discrepancies=differences,
        alerts=alerts_of(opening, closing, turns, executions, differences),
        closed_intents=finished_intents(
            {**state.intents, **intents},
            (outcome for execution in executions.values() for outcome in execution.outcomes),
            finished,
            opening.number,
            closing.closed_at,
        ),
        orphans=closing.stuck,
        cursor=after.cursor,
        funding_since=closing.closed_at,
    )
