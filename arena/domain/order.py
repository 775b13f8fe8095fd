"""Orders, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from arena.domain.competitor import CompetitorId


class OrderSide(StrEnum):
    """The direction of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is OrderSide.BUY else -1


class PositionSide(StrEnum):
    """The hedge-mode bucket an order works on."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """+1 for LONG, -1 for SHORT."""
        return 1 if self is PositionSide.LONG else -1

    @property
    def opening_side(self) -> OrderSide:
        """The order side that enlarges the bucket."""
        return OrderSide.BUY if self is PositionSide.LONG else OrderSide.SELL

    @property
    def closing_side(self) -> OrderSide:
        """The order side that shrinks the bucket."""
        return OrderSide.SELL if self is PositionSide.LONG else OrderSide.BUY


class OrderType(StrEnum):
    """The order types the arena uses, by their names at the venue."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"  # post-only, wherever the arena sends one
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"

    @property
    def conditional(self) -> bool:
        """Whether the order rests until its trigger price is touched."""
        return self in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)


class Leg(StrEnum):
    """The part an order plays in a cycle; its letter ends the client order id."""

    OPEN = "o"
    CLOSE = "c"
    STOP = "s"
    TARGET = "t"
    FLATTEN = "f"  # closes what could not be protected, or what a competitor must not hold
    LIQUIDATE = "l"  # closes everything of a competitor whose own margin ratio reached 1


class Cause(StrEnum):
    """Why a fill took place."""

    DECISION = "decision"
    STOP = "stop"
    TARGET = "target"
    ARENA = "arena"  # what could not be protected
    LIQUIDATION = "liquidation"  # by the arena (a competitor's own margin) or by the venue (the account's)
    ADL = "adl"  # the venue's auto-deleveraging
    DELIVERY = "delivery"
    SHUTDOWN = "shutdown"  # the emergency exit
    MANUAL = "manual"  # an order that somebody else sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it is sent.

    Attributes:
        quantity: Base asset, > 0, a multiple of the step.
        price: USDT, of limit orders only.
        trigger_price: USDT, of conditional orders only.
    """

    client_order_id: str
    symbol: str
    side: OrderSide
    position_side: PositionSide
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An open order as the venue shows it; `trigger_price` of conditional orders, USDT, quantity base asset."""

    client_order_id: str
    symbol: str
    position_side: PositionSide
    order_type: OrderType
    quantity: Decimal
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thesis:
    """Why a position was opened, kept until it is closed and shown to its owner every cycle."""

    reason: str
    invalidation: str
    confidence: int
    stop_price: Decimal | None
    target_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An order about to be sent, written down before it is, with what its fill will need to be booked.

    Attributes:
        leverage: Of the position it opens; sets the competitor's own initial margin and nothing else.
        arrival_price: Last price when the order was formed, USDT; slippage is measured against it.
    """

    order: Order
    llm_id: CompetitorId
    cycle: int
    leg: Leg
    leverage: int
    thesis: Thesis | None
    arrival_price: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An opening that may still fill: a limit order that rests, or an order whose fate is not known.

    Attributes:
        filled: Base asset, booked so far.
        shown: Whether the venue has just shown that it rests.
    """

    opening: Intent
    filled: Decimal = Decimal(0)
    shown: bool = False

    @property
    def rest(self) -> Decimal:
        """What may still be filled, base asset, ≥ 0."""
        return self.opening.order.quantity - self.filled

    @property
    def margin(self) -> Decimal:
        """What the rest would bind, USDT: at the limit price, or the last price when it was formed."""
        return self.rest * (self.opening.order.price or self.opening.arrival_price) / self.opening.leverage


class OrderStatus(StrEnum):
    """What came of sending an order or asking for it."""

    FILLED = "filled"
    RESTING = "resting"
    REFUSED = "refused"  # by the venue; nothing was executed
    UNKNOWN = "unknown"  # may have landed; the next settlement finds out


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """The venue's answer to one order.

    Attributes:
        filled_quantity: Base asset; what is missing to the order's quantity was not executed.
        code: The venue's error code of a refusal.
        message: The venue's words, for the record.
    """

    client_order_id: str
    status: OrderStatus
    exchange_order_id: str | None = None
    filled_quantity: Decimal = Decimal(0)
    code: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of the account, as the venue reports it.

    Attributes:
        trade_id: The venue's; unique within the symbol and increasing.
        client_order_id: Empty or foreign where the arena did not send the order (manual trade, liquidation).
        price: USDT.  quantity: base asset, > 0.  fee: USDT, ≥ 0 is paid.
    """

    trade_id: int
    exchange_order_id: str
    client_order_id: str
    symbol: str
    side: OrderSide
    position_side: PositionSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    time: datetime

    @property
    def signed_quantity(self) -> Decimal:
        """Base asset, > 0 for a buy."""
        return self.side.sign * self.quantity

    @property
    def notional(self) -> Decimal:
        """USDT, ≥ 0."""
        return self.quantity * self.price
