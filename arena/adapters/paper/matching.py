"""What happens inside one bar, for one account.

The path of prices inside a bar is unknown, so two corners are walked, all symbols together: every symbol from its open to
its low, then every symbol from its open to its high.

1. In a corner, stops that are touched and limits that are traded through (beyond, not only at, their price) trade in the order of
   λ = (open − its price) / (open − extreme), limits before stops where it is the same, then by id. One that the open has already
   passed has λ = 0 and trades in the first corner. A stop trades at its trigger, or at the open where the open is beyond it, with
   slippage, as a taker; a limit at its price or the better open, as a maker. So a resting limit is filled before a stop beyond it
   triggers, as in a book: nobody trades beyond a price at which somebody still bids.
2. Before each of them and at the corner's end, the account is checked for liquidation at the marks of that λ; margin likewise.
3. After both corners, take-profits that were touched trade, by id, at their trigger or the better open, with slippage, as takers.
   Their margin is checked at the bar's closing marks.
4. Within a bar only the first order of a group trades, so where stop and target are both touched, the stop counts.
5. A limit that is made to trade a share only trades the rest in a later bar, or before a stop of its symbol triggers.
6. A symbol whose bar has no volume does not trade, but its mark moves.
7. An order that may not trade any more (the bucket is smaller than it, the margin is gone) expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from arena.adapters.paper.account import PaperAccount, PaperOrder, PaperStatus
from arena.adapters.paper.floor import Floor
from arena.adapters.paper.liquidation import MarkPath, liquidate, liquidation_point
from arena.adapters.paper.refusal import Refused
from arena.domain.market import BarStep, Candle
from arena.domain.money import ONE, ZERO
from arena.domain.order import Order, OrderSide, OrderType


def touched(order: Order, price: Decimal) -> bool:
    """Return whether a conditional order triggers at a last price."""
    assert order.trigger_price is not None  # check_filters accepts no conditional order without one
    rising = (order.order_type is OrderType.STOP_MARKET) == (order.side is OrderSide.BUY)
    return price >= order.trigger_price if rising else price <= order.trigger_price


@dataclass(slots=True, kw_only=True)
class AccountBar:
    """One account living through one bar.

    Attributes:
        marks: Before the bar, of all symbols; those without a bar in this step stay put.
        time: That the events inside the bar carry.
        done: Groups that have had their order of this bar.
        parted: Limits that have traded a share in this bar.
    """

    floor: Floor
    account: PaperAccount
    step: BarStep
    marks: Mapping[str, Decimal]
    time: datetime
    done: set[str] = field(default_factory=set)
    parted: list[PaperOrder] = field(default_factory=list)

    def live(self) -> None:
        """Match the account's open orders against the bar and liquidate the account where its margin runs out."""
        opens = {symbol: bar.mark.open for symbol, bar in self.step.bars.items()}
        lows = {symbol: bar.mark.low for symbol, bar in self.step.bars.items()}
        highs = {symbol: bar.mark.high for symbol, bar in self.step.bars.items()}
        starts = {**self.marks, **opens}
        if self._walk(MarkPath(starts=starts, ends={**starts, **lows}), low=True):
            return
        if self._walk(MarkPath(starts=starts, ends={**starts, **highs}), low=False):
            return
        closes = {symbol: bar.mark.close for symbol, bar in self.step.bars.items()}
        self._fill_targets({**starts, **closes})

    def _walk(self, path: MarkPath, *, low: bool) -> bool:
        """Walk one corner; return whether the account was liquidated."""
        reached = ZERO
        for fraction, paper in self._reached(low=low):
            if self._liquidated(path, reached, fraction):
                return True
            reached = fraction
            if paper.order.order_type is OrderType.LIMIT:
                self._fill_limit(paper, path.at(fraction))
            elif paper.group not in self.done:
                self._fill_rests(paper.order.symbol, path.at(fraction))
                self._trigger(paper, path.at(fraction))
        return self._liquidated(path, reached, ONE)

    def _reached(self, *, low: bool) -> list[tuple[Decimal, PaperOrder]]:
        """Return the stops and limits that are reached on the way to a corner with their λ, in the order in which they trade."""
        found = []
        for paper in self.account.resting.values():
            candle = self._candle(paper)
            if paper.order.order_type is OrderType.TAKE_PROFIT_MARKET or candle is None or paper in self.parted:
                continue
            fraction = _fraction(paper.order, candle, candle.low if low else candle.high)
            if fraction is not None:
                found.append((fraction, paper))
        return sorted(found, key=lambda each: (each[0], each[1].order.order_type is not OrderType.LIMIT, each[1].order_id))

    def _liquidated(self, path: MarkPath, first: Decimal, last: Decimal) -> bool:
        point = liquidation_point(self.account, path, first, last, self.floor.instruments)
        if point is None:
            return False
        liquidate(self.floor, self.account, path.at(point), self.time)
        return True

    def _fill_targets(self, marks: Mapping[str, Decimal]) -> None:
        for paper in sorted(self.account.resting.values(), key=lambda paper: paper.order_id):
            candle, order = self._candle(paper), paper.order
            if candle is None or order.order_type is not OrderType.TAKE_PROFIT_MARKET or paper.group in self.done:
                continue
            if touched(order, candle.low) or touched(order, candle.high):
                self._trigger(paper, marks)

    def _trigger(self, paper: PaperOrder, marks: Mapping[str, Decimal]) -> None:
        """Turn a conditional order into a market order and trade it, or let it expire."""
        candle = self.step.bars[paper.order.symbol].trade
        reference = candle.open if touched(paper.order, candle.open) else paper.order.trigger_price
        assert reference is not None  # see touched
        order = replace(paper.order, order_type=OrderType.MARKET, trigger_price=None)
        price = self.floor.taker_price(order, reference)
        if not self._may_trade(paper, order, price, marks, maker=False):
            return
        child = self.floor.accept(self.account, order, self.time)
        self.floor.fill(self.account, child, price, self.time)
        paper.child_order_id = child.order_id
        paper.filled_quantity, paper.filled_notional = child.filled_quantity, child.filled_notional
        self.account.end(paper, PaperStatus.FINISHED, self.time)

    def _fill_limit(self, paper: PaperOrder, marks: Mapping[str, Decimal]) -> None:
        """Trade a limit whole, or the share that the first bar may trade of it."""
        first = paper.share is not None and not paper.filled_quantity
        quantity = self.floor.part(paper.order, paper.share) if first and paper.share is not None else paper.rest
        if quantity < paper.rest:
            self.parted.append(paper)
        price, order = self._limit_price(paper.order), replace(paper.order, quantity=quantity)
        if self._may_trade(paper, order, price, marks, maker=True):
            self.floor.fill(self.account, paper, price, self.time, maker=True, quantity=quantity)

    def _fill_rests(self, symbol: str, marks: Mapping[str, Decimal]) -> None:
        """Trade the rest of the limits that have traded a share in this bar: the price has gone on."""
        for paper in [each for each in self.parted if each.order.symbol == symbol and each.order_id in self.account.resting]:
            self._fill_limit(paper, marks)

    def _limit_price(self, order: Order) -> Decimal:
        """Return what a limit that is reached trades at: its price, or the better open."""
        assert order.price is not None  # check_filters accepts no limit order without one
        better, opened = (min if order.side is OrderSide.BUY else max), self.step.bars[order.symbol].trade.open
        return better(order.price, opened)

    def _may_trade(self, paper: PaperOrder, order: Order, price: Decimal, marks: Mapping[str, Decimal], *, maker: bool) -> bool:
        """Return whether the account may still trade a reached order; one that may not expires. Either way its group is done."""
        if paper.group is not None:
            self.done.add(paper.group)
        try:
            if not maker:
                self.floor.check_size(order, marks[order.symbol])
            self.floor.check_trade(self.account, order, price, marks, maker=maker, bound=self.account.margin_of(paper))
        except Refused:
            self.account.end(paper, PaperStatus.EXPIRED, self.time)
            return False
        return True

    def _candle(self, paper: PaperOrder) -> Candle | None:
        """Return the bar that an order can trade in, or None."""
        bar = self.step.bars.get(paper.order.symbol)
        return bar.trade if bar is not None and bar.trade.volume > 0 else None


def _fraction(order: Order, candle: Candle, extreme: Decimal) -> Decimal | None:
    """Return how far on the way from open to `extreme` a stop or limit is reached, 0 to 1, or None where it is not."""
    reached = _traded_through if order.order_type is OrderType.LIMIT else touched
    if reached(order, candle.open):
        return ZERO
    if not reached(order, extreme):
        return None
    price = order.price or order.trigger_price
    assert price is not None  # check_filters accepts neither order without one
    return (candle.open - price) / (candle.open - extreme)


def _traded_through(order: Order, price: Decimal) -> bool:
    """Return whether a trade at `price` lies beyond a limit."""
    assert order.price is not None  # check_filters accepts no limit order without one
    return price < order.price if order.side is OrderSide.BUY else price > order.price
