"""What is held, was decided, traded and told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from arena.dashboard.answers.units import Answer, Price, Quantity, Side, Time, Usdt


class Held(Answer):
    """An open position."""

    llm_id: str
    symbol: str
    side: Side
    quantity: Quantity
    leverage: int
    entry_price: Price
    mark_price: Price | None
    stop_price: Price | None
    target_price: Price | None
    liquidation_price: Price | None
    unrealized_pnl: Usdt | None
    realized_pnl: Usdt
    fees: Usdt
    funding: Usdt
    opened_at: Time
    invalidation: str | None
    protected: bool


class Decided(Answer):
    """What a competitor decided about one symbol, and what came of it."""

    cycle: int
    llm_id: str
    time: Time
    decision_type: str
    symbol: str | None
    reasoning: str
    confidence: int | None
    size_percent: int | None
    leverage: int | None
    entry_type: str | None
    limit_price: Price | None
    stop_price: Price | None
    target_price: Price | None
    invalidation: str | None
    outcome: str


class Trade(Answer):
    """A position that was closed."""

    cycle: int
    llm_id: str
    symbol: str
    side: Side
    entry_price: Price
    exit_price: Price
    quantity: Quantity
    leverage: int
    pnl: Usdt = Field(description="Before fees and funding.")
    fees: Usdt
    funding: Usdt
    net_pnl: Usdt
    opened_at: Time
    closed_at: Time
    cause: str


class AlertRow(Answer):
    """What somebody was told."""

    cycle: int
    kind: str
    llm_id: str | None
    text: str
    time: Time


class Page(Answer):
    """Newest first."""

    before: int | None = Field(description="Ask for what follows with this; null where nothing does.")
    total: int = Field(description="Of the season, whoever's.")


class Decisions(Page):
    """Decisions, newest first."""

    decisions: list[Decided]


class Trades(Page):
    """Closed positions, newest first."""

    trades: list[Trade]


class Alerts(Page):
    """Alerts, newest first."""

    alerts: list[AlertRow]


class Fill(Answer):
    """What was traded at once."""

    time: Time
    side: Literal["BUY", "SELL"]
    position_side: Side
    quantity: Quantity
    price: Price
    fee: Usdt
    realized_pnl: Usdt
    cause: str
