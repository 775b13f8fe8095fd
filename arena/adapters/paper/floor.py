"""The trading floor: what an order must pass before it trades, what it trades at, and the numbers trades get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from arena.adapters.paper.account import IncomeKind, PaperAccount, PaperOrder, PaperStatus, PaperTrade
from arena.adapters.paper.refusal import Refusal, Refused
from arena.domain.instrument import Instrument, TierNotFound
from arena.domain.money import BPS, ONE, ZERO, ceil_to, floor_to
from arena.domain.order import Order, OrderSide, OrderType


@dataclass(slots=True)
class Numbers:
    """The last numbers that were given out: to an order, and to a trade of each symbol."""

    order: int = 0
    trades: dict[str, int] = field(default_factory=dict)


def is_opening(order: Order) -> bool:
    """Return whether the order enlarges its bucket."""
    return order.side is order.position_side.opening_side


def against(side: OrderSide, price: Decimal, tick: Decimal) -> Decimal:
    """Return `price` at a tick, rounded against the trader: up for a buy, down for a sell, never to zero."""
    return ceil_to(price, tick) if side is OrderSide.BUY else max(tick, floor_to(price, tick))


def check_filters(order: Order, instrument: Instrument, mark: Decimal) -> None:
    """Check quantity and prices against the instrument's filters.

    Raises:
        Refused: PRECISION, QUANTITY, PRICE_FILTER or PRICE_BAND.
    """
    if order.quantity % instrument.step_size:
        raise Refused(Refusal.PRECISION, f"quantity {order.quantity} is no multiple of {instrument.step_size}")
    largest = instrument.max_quantity if order.order_type is OrderType.LIMIT else instrument.max_market_quantity
    if not instrument.min_quantity <= order.quantity <= largest:
        raise Refused(Refusal.QUANTITY, f"quantity {order.quantity} is outside {instrument.min_quantity} to {largest}")
    if order.order_type is OrderType.MARKET:
        return
    price = order.trigger_price if order.order_type.conditional else order.price
    if price is None or price <= 0:
        raise Refused(Refusal.PRICE_FILTER, f"a {order.order_type} order needs a positive price, not {price}")
    if price % instrument.tick_size:
        raise Refused(Refusal.PRECISION, f"price {price} is no multiple of {instrument.tick_size}")
    if order.order_type is OrderType.LIMIT and (price - mark * _band(order.side, instrument)) * order.side.sign > 0:
        raise Refused(Refusal.PRICE_BAND, f"price {price} is more than {instrument.price_band} beyond the mark {mark}")


def _band(side: OrderSide, instrument: Instrument) -> Decimal:
    """Return the outermost limit as a share of the mark: the highest of a buy, the lowest of a sell."""
    return ONE + side.sign * instrument.price_band


class Floor:
    """Turns orders into trades for all accounts.

    Args:
        instruments: Contracts by symbol.
        slippage_bps: By which every taker's price is worse than the market's.

    Attributes:
        numbers: Given out so far.
    """

    def __init__(self, instruments: Mapping[str, Instrument], slippage_bps: Decimal) -> None:
        self.instruments = instruments
        self._slippage = slippage_bps * BPS
        self.numbers = Numbers()

    def taker_price(self, order: Order, price: Decimal) -> Decimal:
        """Return what a taker gets when the market is at `price`: slippage, then the tick; never worse than its own limit."""
        slipped = against(order.side, price * (ONE + order.side.sign * self._slippage), self.tick(order.symbol))
        if order.order_type is not OrderType.LIMIT or order.price is None:
            return slipped
        return min(slipped, order.price) if order.side is OrderSide.BUY else max(slipped, order.price)

    def tick(self, symbol: str) -> Decimal:
        """Return the symbol's price step, USDT."""
        return self.instruments[symbol].tick_size

    def check_size(self, order: Order, mark: Decimal) -> None:
        """Check that an opening order reaches the smallest notional: a limit at its price, others at the mark, as at Binance.

        Raises:
            Refused: MIN_NOTIONAL.
        """
        notional, least = order.quantity * (order.price or mark), self.instruments[order.symbol].min_notional
        if is_opening(order) and notional < least:
            raise Refused(Refusal.MIN_NOTIONAL, f"{notional} USDT is less than the smallest order, {least} USDT")

    def check_trade(
        self,
        account: PaperAccount,
        order: Order,
        price: Decimal,
        marks: Mapping[str, Decimal],
        *,
        maker: bool,
        bound: Decimal = ZERO,
    ) -> None:
        """Check that the account may trade the order at `price`.

        Args:
            account: Whose order it is.
            order: With the quantity that would be traded.
            price: USDT.
            marks: Of all symbols that have one, USDT.
            maker: Whether it pays the maker's fee.
            bound: Margin that the order itself binds while it rests, USDT.

        Raises:
            Refused: NO_POSITION_TO_CLOSE for a closing order; LEVERAGE or MARGIN for an opening one.
        """
        held = account.position(order.symbol, order.position_side).quantity
        if not is_opening(order):
            if order.quantity > held:
                where = f"{order.symbol} {order.position_side}"
                raise Refused(Refusal.NO_POSITION_TO_CLOSE, f"{where} holds {held}, {order.quantity} cannot be closed")
            return
        self.check_leverage(order.symbol, (held + order.quantity) * marks[order.symbol], account.leverage_of(order.symbol))
        cost = order.quantity * price
        required = cost / account.leverage_of(order.symbol) + self.fee(order.symbol, cost, maker)
        available = account.free_margin(marks) + bound
        if required > available:
            raise Refused(Refusal.MARGIN, f"{required:.8f} USDT are required, {available:.8f} USDT are available")

    def check_leverage(self, symbol: str, notional: Decimal, leverage: int) -> None:
        """Check that a position of `notional` (USDT at mark) may be held at `leverage`.

        Raises:
            Refused: LEVERAGE.
        """
        try:
            largest = self.instruments[symbol].tier(notional).max_leverage
        except TierNotFound as error:
            raise Refused(Refusal.LEVERAGE, str(error)) from error
        if leverage > largest:
            raise Refused(Refusal.LEVERAGE, f"{notional:.2f} USDT of {symbol} allow leverage {largest} at most, not {leverage}")

    def accept(
        self,
        account: PaperAccount,
        order: Order,
        time: datetime,
        *,
        group: str | None = None,
        good_till: datetime | None = None,
        share: Decimal | None = None,
    ) -> PaperOrder:
        """Give an order its id and take it into the account as open."""
        self.numbers.order += 1
        paper = PaperOrder(
            order=order,
            order_id=self.numbers.order,
            created_at=time,
            updated_at=time,
            group=group,
            good_till=good_till,
            share=share,
        )
        account.add(paper)
        return paper

    def fill(
        self,
        account: PaperAccount,
        paper: PaperOrder,
        price: Decimal,
        time: datetime,
        *,
        maker: bool = False,
        quantity: Decimal | None = None,
    ) -> PaperTrade:
        """Trade an open order at `price`, whole or a `quantity` of it; what a flat account then lacks the insurance fund pays."""
        symbol, traded = paper.order.symbol, quantity or paper.order.quantity
        trade_id = self.numbers.trades[symbol] = self.numbers.trades.get(symbol, 0) + 1
        fee = self.fee(symbol, traded * price, maker)
        trade = account.book_trade(paper, trade_id=trade_id, quantity=traded, price=price, fee=fee, maker=maker, time=time)
        if not account.buckets and account.wallet_balance < 0:
            account.receive(IncomeKind.INSURANCE_CLEAR, symbol, ZERO - account.wallet_balance, time, trade_id)
        return trade

    def fill_share(self, account: PaperAccount, paper: PaperOrder, price: Decimal, time: datetime, share: Decimal) -> None:
        """Trade a share of an order, cut to the step but at least one, and let the rest expire.

        Args:
            account: Whose order it is.
            paper: Open.
            price: Of the first half of the steps; the other half, as from a thin book, trades one tick worse. USDT.
            time: Of the trades.
            share: Of the order's quantity, 0 to 1.
        """
        order, step = paper.order, self.instruments[paper.order.symbol].step_size
        traded = self.part(order, share)
        second = floor_to(traded / 2, step)
        self.fill(account, paper, price, time, quantity=traded - second)
        if second:
            worse = against(order.side, price + order.side.sign * self.tick(order.symbol), self.tick(order.symbol))
            self.fill(account, paper, worse, time, quantity=second)
        if paper.status is PaperStatus.NEW:
            account.end(paper, PaperStatus.EXPIRED, time)

    def part(self, order: Order, share: Decimal) -> Decimal:
        """Return a share of an order's quantity in whole steps, at least one; base asset."""
        step = self.instruments[order.symbol].step_size
        return max(step, floor_to(order.quantity * share, step))

    def fee(self, symbol: str, notional: Decimal, maker: bool) -> Decimal:
        """Return the fee of a trade of `notional` (USDT), USDT."""
        instrument = self.instruments[symbol]
        return notional * (instrument.maker_fee_rate if maker else instrument.taker_fee_rate)
