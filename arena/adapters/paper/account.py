"""One account at the paper venue: its wallet, hedge-mode buckets, orders, trades and income.

wallet_balance = sum of all income (the deposit is a TRANSFER)        equity = wallet_balance + unrealised PnL
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile

from arena.adapters.paper.bucket import FLAT, Bucket
from arena.domain.instrument import Instrument
from arena.domain.money import ZERO
from arena.domain.order import Order, OrderSide, PositionSide

DEFAULT_LEVERAGE = 20  # Binance's, of a symbol whose leverage was never set


class PaperStatus(StrEnum):
    """Where an order stands, in the venue's words; TRIGGERED and FINISHED are of conditional orders only."""

    NEW = "NEW"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"


class IncomeKind(StrEnum):
    """Why a wallet changed, in the venue's words."""

    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


@dataclass(slots=True, kw_only=True)
class PaperOrder:
    """An order and what has become of it.

    Attributes:
        order_id: Of a conditional order its algo id; one numbering serves both.
        filled_quantity, filled_notional: Sums over its trades, base asset and USDT; of a conditional order its child's.
        child_order_id: The market order that a triggered conditional became; it has the same client order id.
        group: At most one order of a group fills within one bar; None for no such tie.
        good_till: When a limit order expires; None for never.
        share: 0 to 1; of a resting limit, what the first bar that trades through it trades of it. None for all.
    """

    order: Order
    order_id: int
    created_at: datetime
    updated_at: datetime
    status: PaperStatus = PaperStatus.NEW
    filled_quantity: Decimal = ZERO
    filled_notional: Decimal = ZERO
    child_order_id: int | None = None
    group: str | None = None
    good_till: datetime | None = None
    share: Decimal | None = None

    @property
    def rest(self) -> Decimal:
        """What is not filled yet, base asset."""
        return self.order.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal:
        """USDT, zero while nothing is filled."""
        return self.filled_notional / self.filled_quantity if self.filled_quantity else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrade:
    """One execution; `trade_id` increases within its symbol, over all accounts.

    Attributes:
        quantity: Base asset, > 0.  price, fee: USDT.
        realized_pnl: USDT before fees, against the bucket's average entry.
    """

    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: OrderSide
    position_side: PositionSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    realized_pnl: Decimal
    maker: bool
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """One change of the wallet; `amount` in USDT, positive is received."""

    kind: IncomeKind
    symbol: str
    amount: Decimal
    time: datetime
    tran_id: int
    trade_id: int | None = None


@dataclass(slots=True, kw_only=True)
class PaperAccount:
    """The mutable state of one account.

    Attributes:
        dual_side: Whether hedge mode is on; orders need it.
        leverage: By symbol; `leverage_of` knows the default.
        buckets: Only those that hold something.
        orders: Every order ever by order id, the market orders that conditionals became included.
        conditionals: Every conditional order ever by algo id.
        resting: The open ones of both, by id.
        trades, income: In time order, but for a funding that became known late.
    """

    name: str
    wallet_balance: Decimal = ZERO
    dual_side: bool = False
    leverage: dict[str, int] = field(default_factory=dict)
    buckets: dict[tuple[str, PositionSide], Bucket] = field(default_factory=dict)
    orders: dict[int, PaperOrder] = field(default_factory=dict)
    conditionals: dict[int, PaperOrder] = field(default_factory=dict)
    resting: dict[int, PaperOrder] = field(default_factory=dict)
    trades: list[PaperTrade] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)

    def position(self, symbol: str, side: PositionSide) -> Bucket:
        """Return a bucket; a flat one where nothing is held."""
        return self.buckets.get((symbol, side), FLAT)

    def held_before(self, symbol: str, side: PositionSide, time: datetime) -> Decimal:
        """Return what a bucket held right before `time`, signed, base asset: what it holds now, without the trades since."""
        held = self.position(symbol, side).signed_quantity
        for trade in takewhile(lambda trade: trade.time >= time, reversed(self.trades)):
            if (trade.symbol, trade.position_side) == (symbol, side):
                held -= trade.side.sign * trade.quantity
        return held

    def leverage_of(self, symbol: str) -> int:
        """Return the symbol's leverage, a whole multiple."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def unrealized_pnl(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return the profit of all buckets at `marks`, USDT."""
        return sum((bucket.unrealized_pnl(marks[symbol]) for (symbol, _), bucket in self.buckets.items()), ZERO)

    def equity(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return wallet balance plus unrealised PnL, USDT."""
        return self.wallet_balance + self.unrealized_pnl(marks)

    def initial_margin(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return notional / leverage over all buckets, USDT; the two sides of a symbol are not netted."""
        return sum((b.quantity * marks[symbol] / self.leverage_of(symbol) for (symbol, _), b in self.buckets.items()), ZERO)

    def maintenance_margin(self, marks: Mapping[str, Decimal], instruments: Mapping[str, Instrument]) -> Decimal:
        """Return the equity at which the account is liquidated, USDT; a bucket beyond the last tier stays in it."""
        return sum((_maintenance(b.quantity * marks[s], instruments[s]) for (s, _), b in self.buckets.items()), ZERO)

    def order_margin(self) -> Decimal:
        """Return what the resting limits that open would bind, USDT: each at its own price."""
        return sum((self.margin_of(paper) for paper in self.resting.values()), ZERO)

    def margin_of(self, paper: PaperOrder) -> Decimal:
        """Return what a resting order binds, USDT: nothing unless it is a limit that opens."""
        order = paper.order
        if order.price is None or order.side is not order.position_side.opening_side:
            return ZERO
        return paper.rest * order.price / self.leverage_of(order.symbol)

    def free_margin(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return what positions and resting orders leave of the equity, USDT; below zero where losses have taken it."""
        return self.equity(marks) - self.initial_margin(marks) - self.order_margin()

    def available_balance(self, marks: Mapping[str, Decimal]) -> Decimal:
        """Return what new positions could still bind, USDT, ≥ 0."""
        return max(ZERO, self.free_margin(marks))

    def open_order(self, client_order_id: str, *, conditional: bool) -> PaperOrder | None:
        """Return the open order of this client id among the conditional ones or the others."""
        return next(
            (o for o in self.resting.values() if _named(o, client_order_id) and o.order.order_type.conditional is conditional),
            None,
        )

    def find_order(self, client_order_id: str) -> PaperOrder | None:
        """Return the newest order of this client id, conditional ones excluded."""
        return _newest(self.orders.values(), client_order_id)

    def find_conditional(self, client_order_id: str) -> PaperOrder | None:
        """Return the newest conditional order of this client id."""
        return _newest(self.conditionals.values(), client_order_id)

    def add(self, paper: PaperOrder) -> None:
        """Take an accepted order in as open."""
        (self.conditionals if paper.order.order_type.conditional else self.orders)[paper.order_id] = paper
        self.resting[paper.order_id] = paper

    def end(self, paper: PaperOrder, status: PaperStatus, time: datetime) -> None:
        """Take an order out of the open ones."""
        paper.status, paper.updated_at = status, time
        self.resting.pop(paper.order_id, None)

    def book_trade(
        self, paper: PaperOrder, *, trade_id: int, quantity: Decimal, price: Decimal, fee: Decimal, maker: bool, time: datetime
    ) -> PaperTrade:
        """Fill an order or a part of it: bucket, wallet, income, trade. It stays open until it is filled whole."""
        order = paper.order
        key = (order.symbol, order.position_side)
        bucket, profit = self.buckets.get(key, FLAT).after(order.side.sign * quantity, price)
        self.buckets.pop(key, None)
        if bucket.signed_quantity:
            self.buckets[key] = bucket
        trade = PaperTrade(
            trade_id=trade_id,
            order_id=paper.order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            position_side=order.position_side,
            quantity=quantity,
            price=price,
            fee=fee,
            realized_pnl=profit,
            maker=maker,
            time=time,
        )
        self.trades.append(trade)
        if profit:
            self.receive(IncomeKind.REALIZED_PNL, order.symbol, profit, time, trade_id)
        self.receive(IncomeKind.COMMISSION, order.symbol, -fee, time, trade_id)
        paper.filled_quantity += quantity
        paper.filled_notional += quantity * price
        if paper.filled_quantity == order.quantity:
            self.end(paper, PaperStatus.FILLED, time)
        return trade

    def receive(self, kind: IncomeKind, symbol: str, amount: Decimal, time: datetime, trade_id: int | None = None) -> None:
        """Change the wallet by `amount` (USDT, negative is paid) and write down why."""
        self.wallet_balance += amount
        tran_id = self.income[-1].tran_id + 1 if self.income else 1
        self.income.append(Income(kind=kind, symbol=symbol, amount=amount, time=time, tran_id=tran_id, trade_id=trade_id))


def _maintenance(notional: Decimal, instrument: Instrument) -> Decimal:
    """Return a position's maintenance margin; unlike the domain's, a notional that outgrew the last tier is still held."""
    tier = next((tier for tier in instrument.tiers if notional <= tier.notional_cap), instrument.tiers[-1])
    return notional * tier.maintenance_rate - tier.maintenance_amount


def _named(paper: PaperOrder, client_order_id: str) -> bool:
    return paper.order.client_order_id == client_order_id


def _newest(orders: Iterable[PaperOrder], client_order_id: str) -> PaperOrder | None:
    return next((paper for paper in reversed(tuple(orders)) if _named(paper, client_order_id)), None)
