"""Rows back into what they stood for, equal to the last digit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from arena.application.record import BookedFill, Books
from arena.application.standing import SeasonStanding, SeasonStatus
from arena.domain.competitor import (
    AccountId,
    AccountMode,
    Competitor,
    CompetitorId,
    Environment,
    ModelSpec,
    Provider,
    ReasoningEffort,
    Season,
    SeasonId,
)
from arena.domain.costs import FundingPayment
from arena.domain.ledger import ClosedTrade, Ledger, PositionKey
from arena.domain.order import Cause, Fill, Intent, Leg, Order, OrderSide, OrderType, PositionSide, Thesis
from arena.domain.position import Position

Stored = Mapping[str, Any]


def season_of(row: Stored, competitors: Iterable[Stored]) -> Season:
    """Return the season as it was created."""
    return Season(
        season_id=SeasonId(row["season_id"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        symbols=tuple(json.loads(row["symbols"])),
        interval_seconds=row["interval_seconds"],
        competitors=tuple(_competitor(each) for each in competitors),
        market=row["market"],
        settings=row["settings"],
        environment=Environment(row["environment"]),
        account_mode=AccountMode(row["account_mode"]),
        strategy=row["strategy"],
    )


def standing_of(row: Stored) -> SeasonStanding:
    """Return where a season stood since the row's time."""
    return SeasonStanding(status=SeasonStatus(row["status"]), reason=row["reason"], time=datetime.fromisoformat(row["time"]))


def booked_fill_of(row: Stored) -> BookedFill:
    """Return a fill as it was booked."""
    fill = Fill(
        trade_id=row["trade_id"],
        exchange_order_id=row["exchange_order_id"],
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        position_side=PositionSide(row["position_side"]),
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["fee"]),
        time=datetime.fromisoformat(row["time"]),
    )
    return BookedFill(
        fill=fill,
        llm_id=CompetitorId(row["llm_id"]),
        cycle=row["cycle"],
        realized_pnl=Decimal(row["realized_pnl"]),
        cause=Cause(row["cause"]),
    )


def funded_of(row: Stored) -> tuple[CompetitorId, PositionKey, datetime]:
    """Return which position was charged, and for which time."""
    key = (row["symbol"], PositionSide(row["position_side"]))
    return CompetitorId(row["llm_id"]), key, datetime.fromisoformat(row["time"])


def funding_of(row: Stored) -> FundingPayment:
    """Return a funding as it was paid."""
    amounts = {name: Decimal(row[name]) for name in ("signed_quantity", "mark_price", "funding_rate", "payment")}
    return FundingPayment(
        llm_id=CompetitorId(row["llm_id"]),
        symbol=row["symbol"],
        position_side=PositionSide(row["position_side"]),
        time=datetime.fromisoformat(row["time"]),
        **amounts,
    )


def ledger_of(account: Stored, positions: Iterable[Stored]) -> Ledger:
    """Return one competitor's ledger from its account and its open positions."""
    held = [position_of(row) for row in positions]
    return Ledger(
        llm_id=CompetitorId(account["llm_id"]),
        capital=Decimal(account["initial_balance"]),
        wallet_balance=Decimal(account["current_balance"]),
        realized_pnl=Decimal(account["realized_pnl"]),
        fees=Decimal(account["fees"]),
        funding=Decimal(account["funding"]),
        insurance=Decimal(account["insurance"]),
        total_trades=account["total_trades"],
        winning_trades=account["winning_trades"],
        losing_trades=account["losing_trades"],
        positions={(position.symbol, position.side): position for position in held},
    )


def books_of(booking: Stored, ledgers: Mapping[CompetitorId, Ledger]) -> Books:
    """Return the books as a booking left them."""
    holdings = json.loads(booking["foreign_holdings"])
    return Books(
        ledgers=ledgers,
        foreign={(AccountId(account), symbol, PositionSide(side)): Decimal(q) for account, symbol, side, q in holdings},
        cursor={AccountId(account): ids for account, ids in json.loads(booking["cursor"]).items()},
    )


def closed_trade_of(row: Stored) -> ClosedTrade:
    """Return a closed trade."""
    amounts = {name: Decimal(row[name]) for name in ("entry_price", "exit_price", "quantity", "pnl", "fees", "funding")}
    return ClosedTrade(
        llm_id=CompetitorId(row["llm_id"]),
        symbol=row["symbol"],
        side=PositionSide(row["side"]),
        leverage=row["leverage"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        closed_at=datetime.fromisoformat(row["closed_at"]),
        cause=Cause(row["cause"]),
        **amounts,
    )


def position_of(row: Stored) -> Position:
    """Return an open position."""
    return Position(
        llm_id=CompetitorId(row["llm_id"]),
        symbol=row["symbol"],
        side=PositionSide(row["side"]),
        signed_quantity=Decimal(row["signed_quantity"]),
        signed_cost=Decimal(row["signed_cost"]),
        leverage=row["leverage"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        thesis=_thesis(row["thesis"]),
        stop_order_id=row["stop_order_id"],
        target_order_id=row["target_order_id"],
        opened_quantity=Decimal(row["opened_quantity"]),
        opened_notional=Decimal(row["opened_notional"]),
        closed_quantity=Decimal(row["closed_quantity"]),
        closed_notional=Decimal(row["closed_notional"]),
        realized_pnl=Decimal(row["realized_pnl"]),
        fees=Decimal(row["fees"]),
        funding=Decimal(row["funding"]),
    )


def intent_of(row: Stored) -> Intent:
    """Return an intent with its order."""
    order = Order(
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        position_side=PositionSide(row["position_side"]),
        order_type=OrderType(row["order_type"]),
        quantity=Decimal(row["quantity"]),
        price=_decimal(row["price"]),
        trigger_price=_decimal(row["trigger_price"]),
    )
    return Intent(
        order=order,
        llm_id=CompetitorId(row["llm_id"]),
        cycle=row["cycle"],
        leg=Leg(row["leg"]),
        leverage=row["leverage"],
        thesis=_thesis(row["thesis"]),
        arrival_price=Decimal(row["arrival_price"]),
        created_at=datetime.fromisoformat(row["formed_at"]),
    )


def _competitor(row: Stored) -> Competitor:
    model = ModelSpec(
        provider=Provider(row["provider"]),
        model=row["model"],
        max_tokens=row["max_tokens"],
        temperature=_decimal(row["temperature"]),
        base_url=row["base_url"],
        seed=row["seed"],
        baseline=bool(row["baseline"]),
        thinking=None if row["thinking"] is None else bool(row["thinking"]),
        reasoning_effort=None if row["reasoning_effort"] is None else ReasoningEffort(row["reasoning_effort"]),
    )
    return Competitor(llm_id=CompetitorId(row["llm_id"]), model=model, capital=Decimal(row["capital"]))


def _thesis(text: str | None) -> Thesis | None:
    if text is None:
        return None
    said = json.loads(text)
    prices = {name: _decimal(said[name]) for name in ("stop_price", "target_price")}
    return Thesis(reason=said["reason"], invalidation=said["invalidation"], confidence=said["confidence"], **prices)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
