"""The paper engine behind the Exchange and MarketData ports.

BTCUSDT: tick 0.1, step 0.001; taker 0.05 %, maker 0.02 %, slippage 2 bps.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from arena.adapters.paper.exchange import PaperExchange
from arena.adapters.paper.market import PaperMarket
from arena.domain.market import FundingRate
from arena.domain.order import OrderStatus, PositionSide
from arena.errors import ConfigurationError, MarketDataError
from tests.fakes.bars import GAP, feed
from tests.fakes.build import BAR, NOON
from tests.fakes.rig import CALM, D, Rig, make, rig

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MS = timedelta(milliseconds=1)


# --- the ports -----------------------------------------------------------------------------------------------------------


async def test_the_exchange_reports_outcomes_fills_and_book() -> None:
    d = rig(CALM, "50000 50600 49400 50000", ETHUSDT=["3000 3000 3000 3000"] * 2)
    exchange = PaperExchange(d.engine, d.account)
    await exchange.prepare(["BTCUSDT", "ETHUSDT"], 5)
    opened = await exchange.place(make("BUY LONG 0.1 BTCUSDT", "tag-1-A-BTCUSDT-o"))
    assert (opened.status, opened.filled_quantity, opened.exchange_order_id) == (OrderStatus.FILLED, D("0.1"), "1")
    await exchange.place(make("BUY LONG 1 ETHUSDT", "tag-1-B-ETHUSDT-o"))
    target = await exchange.place(make("SELL LONG 0.1 BTCUSDT TAKE_PROFIT_MARKET 50500", "tag-1-A-BTCUSDT-t"))
    stop = await exchange.place(make("SELL LONG 0.1 BTCUSDT STOP_MARKET 49500", "tag-1-A-BTCUSDT-s"))
    assert (target.status, stop.status) == (OrderStatus.RESTING, OrderStatus.RESTING)
    refused = await exchange.place(make("SELL LONG 1 BTCUSDT", "tag-1-A-BTCUSDT-c"))
    assert (refused.status, refused.code) == (OrderStatus.REFUSED, None)
    assert refused.message == "no_position_to_close: BTCUSDT LONG holds 0.1, 1 cannot be closed"
    book = await exchange.book()
    assert book.positions == {("BTCUSDT", LONG): D("0.1"), ("ETHUSDT", LONG): D(1)}
    assert book.wallet_balance == d.account.wallet_balance
    assert book.available_balance == book.wallet_balance - D(1) - D("0.6") - D(1000) - D(600)
    first = await exchange.fills({"BTCUSDT": 0, "ETHUSDT": 0}, NOON, NOON)
    assert [(fill.symbol, fill.trade_id) for fill in first] == [("BTCUSDT", 1), ("ETHUSDT", 1)]
    d.bars(2)
    later = await exchange.fills({"BTCUSDT": 1, "ETHUSDT": 1}, NOON, NOON + 2 * BAR)
    assert [(fill.client_order_id, fill.price, fill.fee) for fill in later] == [
        ("tag-1-A-BTCUSDT-s", D("49490.1"), D("2.474505"))
    ]  # the group kept the target from trading in the same bar
    assert await exchange.fills({"BTCUSDT": 1}, NOON, NOON + BAR) == ()
    assert await exchange.fills({"BTCUSDT": 0}, NOON + BAR, NOON + 2 * BAR) == later
    assert await exchange.cancel("BTCUSDT", "tag-1-A-BTCUSDT-t", conditional=True) is True
    assert await exchange.cancel("BTCUSDT", "tag-1-A-BTCUSDT-t", conditional=True) is False
    with pytest.raises(ConfigurationError, match="XRPUSDT is not listed"):
        await exchange.prepare(["XRPUSDT"], 5)


async def test_the_market_shows_closed_candles_and_past_fundings_only() -> None:
    rates = [FundingRate(symbol="BTCUSDT", time=NOON + n * BAR, rate=D(n) / 10000, mark_price=D(50000)) for n in (1, 2, 4)]
    bars = feed(
        fundings=rates, BTCUSDT=[CALM, "50010 50100 49900 50020", GAP, "50030 50100 49900 50040", CALM], ETHUSDT=[GAP] * 5
    )
    d = Rig(bars)
    market = PaperMarket(d.engine, label="generated", interval=BAR, window=2)
    d.bars(3)
    snapshot = await market.snapshot(["BTCUSDT", "ETHUSDT"], NOON + 3 * BAR)
    btc = snapshot.symbols["BTCUSDT"]
    assert [candle.close for candle in btc.candles] == [D(50000), D(50020)]
    assert (btc.last_price, btc.mark_price) == (D(50030), D(50030))
    assert (btc.funding_rate, btc.next_funding_time) == (D("0.0002"), NOON + 3 * BAR)
    assert snapshot.missing == {"ETHUSDT": "ETHUSDT has had no price yet"}
    d.bars()
    later = await market.snapshot(["BTCUSDT"], await market.time())
    assert [candle.close for candle in later.symbols["BTCUSDT"].candles] == [D(50020), D(50040)]
    assert [rate.rate for rate in await market.fundings(["BTCUSDT"], NOON + BAR, NOON + 4 * BAR)] == [D("0.0002"), D("0.0004")]
    assert set(await market.instruments(["BTCUSDT", "XRPUSDT"])) == {"BTCUSDT"}
    assert await market.label() == "generated"
    with pytest.raises(MarketDataError, match="stands at"):
        await market.snapshot(["BTCUSDT"], NOON)
