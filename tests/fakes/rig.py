"""A paper engine with one funded account, and orders in a line: `Rig(feed(...)).place("BUY LONG 0.1 BTCUSDT")`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from arena.adapters.paper.account import IncomeKind, PaperAccount, PaperOrder
from arena.adapters.paper.engine import PaperEngine, Refusal, Refused
from arena.adapters.paper.feed import BarFeed
from arena.domain.order import Order, OrderSide, OrderType, PositionSide
from tests.fakes.bars import feed
from tests.fakes.build import BAR, NOON, instruments

D = Decimal
CALM = "50000 50100 49900 50000"


class Rig:
    """An engine with one funded hedge-mode account; orders in a line: `BUY LONG 0.1 BTCUSDT STOP_MARKET 49500`."""

    def __init__(self, bars: BarFeed, balance: str = "10000", leverage: int = 5) -> None:
        self.engine = PaperEngine(bars, instruments(), NOON)
        self.account: PaperAccount = self.engine.open_account("paper", D(balance))
        self.engine.set_dual_side(self.account, True)
        for symbol in bars.symbols:
            self.engine.set_leverage(self.account, symbol, leverage)
        self.sent = 0

    def place(self, text: str, client_id: str = "", **kwargs: object) -> PaperOrder:
        self.sent += 1
        order = make(text, client_id or f"order-{self.sent}")
        return self.engine.place(self.account, order, **kwargs)  # type: ignore[arg-type]

    def refusal(self, text: str, client_id: str = "", **kwargs: object) -> Refusal:
        before = (self.account.wallet_balance, dict(self.account.buckets), dict(self.account.resting))
        with pytest.raises(Refused) as caught:
            self.place(text, client_id, **kwargs)
        assert (self.account.wallet_balance, self.account.buckets, self.account.resting) == before
        return caught.value.reason

    def bars(self, count: int = 1) -> None:
        self.engine.advance(self.engine.now + count * BAR)

    def held(self, side: PositionSide = PositionSide.LONG, symbol: str = "BTCUSDT") -> Decimal:
        return self.account.position(symbol, side).signed_quantity

    def income(self, kind: IncomeKind) -> list[Decimal]:
        return [income.amount for income in self.account.income if income.kind is kind]


def make(text: str, client_id: str = "order") -> Order:
    side, bucket, quantity, symbol, *rest = text.split()
    order_type = OrderType(rest[0]) if rest else OrderType.MARKET
    price = D(rest[1]) if len(rest) > 1 else None
    return Order(
        client_order_id=client_id,
        symbol=symbol,
        side=OrderSide(side),
        position_side=PositionSide(bucket),
        order_type=order_type,
        quantity=D(quantity),
        price=price if order_type is OrderType.LIMIT else None,
        trigger_price=price if order_type.conditional else None,
    )


def rig(
    *btc: str, marks: Mapping[str, list[str]] | None = None, balance: str = "10000", leverage: int = 5, **other: list[str]
) -> Rig:
    return Rig(feed(marks, BTCUSDT=list(btc), **other), balance, leverage)
