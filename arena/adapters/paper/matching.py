"""What happens inside one bar, for one account.

The path of prices inside a bar is unknown, so two corners are walked, all symbols together: every symbol from its open to
its low, then every symbol from its open to its high.

1. In a corner, stop orders that are touched trade in the order of λ = (open − trigger) / (open − extreme), ties by id. One
   that the open has already passed has λ = 0 and trades in the first corner. It trades at its trigger, or at the open where the
   open is beyond it, with slippage, as a taker.
2. Before each stop and at the corner's end, the account is checked for liquidation at the marks of that λ.
3. After both corners, take-profits and limits that were touched trade, by id: a take-profit at its trigger or the better open,
   with slippage, as a taker; a limit that the bar traded through (beyond, not only at, its price) at its price or the better
   open, as a maker. Their margin is checked at the bar's closing marks.
4. Within a bar only the first order of a group trades, so where stop and target are both touched, the stop counts.
5. A symbol whose bar has no volume does not trade, but its mark moves.
6. An order that may not trade any more (the bucket is smaller than it, the margin is gone) expires.
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
    """

    floor: Floor
    account: PaperAccount
    step: BarStep
    marks: Mapping[str, Decimal]
    time: datetime
    done: set[str] = field(default_factory=set)

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
        self._fill_targets_and_limits({**starts, **closes})

    def _walk(self, path: MarkPath, *, low: bool) -> bool:
        """Walk one corner; return whether the account was liquidated."""
        reached = ZERO
        for fraction, paper in self._stops(low=low):
            if self._liquidated(path, reached, fraction):
                return True
            reached = fraction
            if paper.group not in self.done:
                self._trigger(paper, path.at(fraction))
        return self._liquidated(path, reached, ONE)

    def _stops(self, *, low: bool) -> list[tuple[Decimal, PaperOrder]]:
        """Return the stops touched on the way to a corner with their λ, in the order in which they trade."""
        found = []
        for paper in self.account.resting.values():
            candle = self._candle(paper)
            if paper.order.order_type is OrderType.STOP_MARKET and candle is not None:
                fraction = _fraction(paper.order, candle, candle.low if low else candle.high)
                if fraction is not None:
                    found.append((fraction, paper))
        return sorted(found, key=lambda stop: (stop[0], stop[1].order_id))

    def _liquidated(self, path: MarkPath, first: Decimal, last: Decimal) -> bool:
        point = liquidation_point(self.account, path, first, last, self.floor.instruments)
        if point is None:
            return False
        liquidate(self.floor, self.account, path.at(point), self.time)
        return True

    def _fill_targets_and_limits(self, marks: Mapping[str, Decimal]) -> None:
        for paper in sorted(self.account.resting.values(), key=lambda paper: paper.order_id):
            candle = self._candle(paper)
            if candle is None or paper.group in self.done:
                continue
            order = paper.order
            if order.order_type is OrderType.LIMIT:
                price = _limit_price(order, candle)
                if price is not None:
                    self._fill_limit(paper, price, marks)
            elif order.order_type is OrderType.TAKE_PROFIT_MARKET and (touched(order, candle.low) or touched(order, candle.high)):
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

    def _fill_limit(self, paper: PaperOrder, price: Decimal, marks: Mapping[str, Decimal]) -> None:
        if self._may_trade(paper, paper.order, price, marks, maker=True):
            self.floor.fill(self.account, paper, price, self.time, maker=True)

    def _may_trade(self, paper: PaperOrder, order: Order, price: Decimal, marks: Mapping[str, Decimal], *, maker: bool) -> bool:
        """Return whether the account may still trade a touched order; one that may not expires. Either way its group is done."""
        if paper.group is not None:
            self.done.add(paper.group)
        try:
            self.floor.check_trade(self.account, order, price, marks, maker)
        except Refused:
            self.account.end(paper, PaperStatus.EXPIRED, self.time)
            return False
        return True

    def _candle(self, paper: PaperOrder) -> Candle | None:
        """Return the bar that an order can trade in, or None."""
        bar = self.step.bars.get(paper.order.symbol)
        return bar.trade if bar is not None and bar.trade.volume > 0 else None


def _fraction(order: Order, candle: Candle, extreme: Decimal) -> Decimal | None:
    """Return how far on the way from open to `extreme` a stop is touched, 0 to 1, or None where it is not."""
    if touched(order, candle.open):
        return ZERO
    if not touched(order, extreme):
        return None
    assert order.trigger_price is not None  # see touched
    return (candle.open - order.trigger_price) / (candle.open - extreme)


def _limit_price(order: Order, candle: Candle) -> Decimal | None:
    """Return what a resting limit trades at in this bar, or None where the bar does not trade through it."""
    assert order.price is not None  # check_filters accepts no limit order without one
    if order.side is OrderSide.BUY:
        return min(order.price, candle.open) if candle.low < order.price else None
    return max(order.price, candle.open) if candle.high > order.price else None
