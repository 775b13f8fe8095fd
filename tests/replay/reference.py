"""The paper engine, driven bar by bar by what a competitor wants: what the compiled engine must equal."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

from arena.adapters.paper.account import IncomeKind, PaperAccount, PaperTrade
from arena.adapters.paper.engine import PaperEngine, Refusal, Refused
from arena.adapters.recorded import CandleArchive
from arena.domain.money import floor_to
from arena.domain.order import Order, OrderSide, OrderType, PositionSide
from arena.replay.decisions import FLAT, HOLD, LONG, Wants
from arena.replay.seat import CLOSED, LEVERAGE, LIQUIDATION, MARGIN, NO_MARKET, NOTIONAL, OPENED, QUANTITY, STOP, TARGET, Terms

WHY = {"open": OPENED, "close": CLOSED, "stop": STOP, "target": TARGET, "autoclose": LIQUIDATION}
REASONS = {Refusal.QUANTITY: QUANTITY, Refusal.MIN_NOTIONAL: NOTIONAL, Refusal.LEVERAGE: LEVERAGE, Refusal.MARGIN: MARGIN}
POINTS = Decimal(10_000)


@dataclass
class Reference:
    """One account at the paper engine."""

    archive: CandleArchive
    terms: Terms
    refused: Counter[int] = field(default_factory=Counter)
    equity: list[Decimal] = field(default_factory=list)

    def __post_init__(self) -> None:
        slippage = Decimal(self.terms.slippage) / 100
        self.engine = PaperEngine(self.archive, self.archive.instruments, self.archive.start, slippage)
        self.account: PaperAccount = self.engine.open_account("paper", Decimal(str(self.terms.capital)))
        self.engine.set_dual_side(self.account, True)
        for symbol in self.archive.symbols:
            self.account.leverage[symbol] = self.terms.leverage
        self._sent = 0

    def play(self, wants: Wants) -> None:
        """Play the whole season."""
        for row in wants:
            self.note()
            self.cancel_orphans()
            wanted = dict(zip(self.archive.symbols, row.tolist(), strict=True))
            for symbol, want in wanted.items():
                self.leave(symbol, want)
            for symbol, want in wanted.items():
                if want not in (FLAT, HOLD) and self.side(symbol) is None:
                    self.enter(symbol, PositionSide.LONG if want == LONG else PositionSide.SHORT)
            self.engine.advance(self.engine.now + self.archive.interval)
        self.note()

    def note(self) -> None:
        self.equity.append(self.account.equity(self.engine.marks()))

    def side(self, symbol: str) -> PositionSide | None:
        return next((side for held, side in self.account.buckets if held == symbol), None)

    def cancel_orphans(self) -> None:
        """Whoever trades at a venue does so, since a stop and its target do not know each other there."""
        for paper in tuple(self.account.resting.values()):
            if (paper.order.symbol, paper.order.position_side) not in self.account.buckets:
                self.engine.cancel(self.account, paper.order.client_order_id)

    def leave(self, symbol: str, want: int) -> None:
        side = self.side(symbol)
        if side is None or want in (HOLD, side.opening_side.sign):
            return
        with suppress(Refused):
            self.close(symbol, side)

    def close(self, symbol: str, side: PositionSide) -> None:
        quantity = self.account.position(symbol, side).quantity
        self.place("close", symbol, side, side.closing_side, OrderType.MARKET, quantity)
        self.cancel_orphans()

    def enter(self, symbol: str, side: PositionSide) -> None:
        bar = self.archive.current(symbol, self.engine.now)
        if bar is None or bar.trade.volume <= 0:
            self.refused[NO_MARKET] += 1
            return
        worth = Decimal(str(self.terms.value)) + Decimal(str(self.terms.share)) * self.account.equity(self.engine.marks())
        quantity = floor_to(worth / bar.trade.open, self.archive.instruments[symbol].step_size)
        try:
            price = self.place("open", symbol, side, side.opening_side, OrderType.MARKET, quantity)
        except Refused as refusal:
            self.refused[REASONS[refusal.reason]] += 1
            return
        self.protect(symbol, side, quantity, price)

    def protect(self, symbol: str, side: PositionSide, quantity: Decimal, price: Decimal) -> None:
        instrument, way = self.archive.instruments[symbol], side.opening_side.sign
        for name, points, kind in (
            ("stop", -self.terms.stop, OrderType.STOP_MARKET),
            ("target", self.terms.target, OrderType.TAKE_PROFIT_MARKET),
        ):
            if not points:
                continue
            trigger = instrument.round_price(price * (1 + way * points / POINTS))
            try:
                self.place(name, symbol, side, side.closing_side, kind, quantity, trigger, f"{symbol}-{self._sent}")
            except Refused:
                if name == "stop":
                    self.close(symbol, side)
                    return

    def place(
        self,
        name: str,
        symbol: str,
        side: PositionSide,
        way: OrderSide,
        kind: OrderType,
        quantity: Decimal,
        trigger: Decimal | None = None,
        group: str | None = None,
    ) -> Decimal:
        self._sent += 1
        order = Order(
            client_order_id=f"{name}-{self._sent}",
            symbol=symbol,
            side=way,
            position_side=side,
            order_type=kind,
            quantity=quantity,
            trigger_price=trigger,
        )
        return self.engine.place(self.account, order, group=group and f"{symbol}-{side}").average_price

    def fills(self) -> list[tuple[int, str, int, int, int]]:
        """Return bar, symbol, why, signed steps and ticks of every trade."""
        return [self._fill(trade) for trade in self.account.trades]

    def _fill(self, trade: PaperTrade) -> tuple[int, str, int, int, int]:
        instrument = self.archive.instruments[trade.symbol]
        bar = (trade.time - self.archive.start) // self.archive.interval
        steps = trade.side.sign * int(trade.quantity / instrument.step_size)
        return (
            bar,
            trade.symbol,
            int(WHY[trade.client_order_id.partition("-")[0]]),
            steps,
            int(trade.price / instrument.tick_size),
        )

    def funding(self) -> Decimal:
        """Return what was paid, USDT."""
        return -sum((each.amount for each in self.account.income if each.kind is IncomeKind.FUNDING_FEE), Decimal(0))
