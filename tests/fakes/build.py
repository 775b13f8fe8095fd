"""Builders that say a value in one line: `position("LONG 0.01 BTCUSDT @ 65000")`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from arena.domain.competitor import CompetitorId
from arena.domain.instrument import Instrument, MarginTier
from arena.domain.ledger import Ledger
from arena.domain.market import Candle, MarketSnapshot, SymbolMarket
from arena.domain.order import Fill, OrderSide, PositionSide
from arena.domain.position import Position

A = CompetitorId("LLM-A")
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
BAR = timedelta(minutes=5)


def tiers(symbol_rate: str = "0.004") -> tuple[MarginTier, ...]:
    rate = Decimal(symbol_rate)
    first_cap, second_rate = Decimal(300_000), rate * 2
    return (
        MarginTier(
            notional_floor=Decimal(0),
            notional_cap=first_cap,
            maintenance_rate=rate,
            maintenance_amount=Decimal(0),
            max_leverage=100,
        ),
        MarginTier(
            notional_floor=first_cap,
            notional_cap=Decimal(10_000_000),
            maintenance_rate=second_rate,
            maintenance_amount=first_cap * (second_rate - rate),
            max_leverage=20,
        ),
    )


_FILTERS = {  # tick, step, max market quantity, min notional
    "BTCUSDT": ("0.1", "0.001", "120", "50"),
    "ETHUSDT": ("0.01", "0.001", "2000", "20"),
    "SOLUSDT": ("0.01", "0.01", "5000", "5"),
    "DOGEUSDT": ("0.00001", "1", "30000000", "5"),
}


def instrument(symbol: str = "BTCUSDT") -> Instrument:
    tick, step, largest, least = (Decimal(text) for text in _FILTERS[symbol])
    return Instrument(
        symbol=symbol,
        tick_size=tick,
        step_size=step,
        min_quantity=step,
        max_quantity=largest * 10,
        max_market_quantity=largest,
        min_notional=least,
        price_band=Decimal("0.05"),
        maker_fee_rate=Decimal("0.0002"),
        taker_fee_rate=Decimal("0.0005"),
        tiers=tiers(),
    )


def instruments(*symbols: str) -> dict[str, Instrument]:
    return {symbol: instrument(symbol) for symbol in symbols or _FILTERS}


def candles(closes: Iterable[str | Decimal], end: datetime = NOON, volume: str = "10") -> tuple[Candle, ...]:
    prices = [Decimal(price) for price in closes]
    start = end - BAR * len(prices)
    return tuple(
        Candle(
            open_time=start + BAR * i,
            close_time=start + BAR * (i + 1),
            open=prices[max(i - 1, 0)],
            close=price,
            high=max(price, prices[max(i - 1, 0)]),
            low=min(price, prices[max(i - 1, 0)]),
            volume=Decimal(volume),
        )
        for i, price in enumerate(prices)
    )


def market(symbol: str, price: str, mark: str | None = None, as_of: datetime = NOON, volume: str = "10") -> SymbolMarket:
    return SymbolMarket(
        symbol=symbol,
        candles=candles([price] * 3, as_of, volume),
        last_price=Decimal(price),
        mark_price=Decimal(mark or price),
        funding_rate=Decimal("0.0001"),
        next_funding_time=as_of + timedelta(hours=4),
    )


def snapshot(as_of: datetime = NOON, **prices: str) -> MarketSnapshot:
    return MarketSnapshot(as_of=as_of, symbols={symbol: market(symbol, price, as_of=as_of) for symbol, price in prices.items()})


def position(text: str, llm_id: CompetitorId = A, leverage: int = 1) -> Position:
    """`LONG 0.01 BTCUSDT @ 65000`"""
    side_text, quantity_text, symbol, _, price_text = text.split()
    side = PositionSide(side_text)
    quantity, price = Decimal(quantity_text), Decimal(price_text)
    return Position(
        llm_id=llm_id,
        symbol=symbol,
        side=side,
        signed_quantity=side.sign * quantity,
        signed_cost=side.sign * quantity * price,
        leverage=leverage,
        opened_at=NOON,
        opened_quantity=quantity,
        opened_notional=quantity * price,
    )


def ledger(capital: str = "200", *positions: Position, llm_id: CompetitorId = A) -> Ledger:
    return Ledger(
        llm_id=llm_id,
        capital=Decimal(capital),
        wallet_balance=Decimal(capital),
        positions={(p.symbol, p.side): p for p in positions},
    )


def fill(text: str, *, fee: str = "0", trade_id: int = 1, client_order_id: str = "", time: datetime = NOON) -> Fill:
    """`BUY LONG 0.01 BTCUSDT @ 65000`"""
    side, bucket, quantity, symbol, _, price = text.split()
    return Fill(
        trade_id=trade_id,
        exchange_order_id=str(trade_id),
        client_order_id=client_order_id,
        symbol=symbol,
        side=OrderSide(side),
        position_side=PositionSide(bucket),
        quantity=Decimal(quantity),
        price=Decimal(price),
        fee=Decimal(fee),
        time=time,
    )
