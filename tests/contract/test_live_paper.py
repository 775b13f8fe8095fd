"""A paper account on the simulator's public endpoints, against the simulator's own account that gets the same orders.

One market, one set of rules: two ways of living through them come to the same, to the digit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.paper.live import LivePaperAccount
from arena.adapters.recorded import generate_market
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.ports import TradingAccount
from arena.domain.competitor import SHARED_ACCOUNT, SeasonId
from arena.domain.money import plain
from arena.domain.order import OrderStatus
from arena.paper import paper_market
from tests.fakes.candles import flat, write_candles, write_funding, write_mark
from tests.fakes.rig import make
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

D = Decimal
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
SYMBOLS = ("BTCUSDT", "SOLUSDT")


@dataclass
class Two:
    """The same account twice: at the venue, and on paper beside it."""

    simulator: Simulator
    venue: BinanceAccount
    path: Path
    url: str

    def paper(self) -> tuple[TradingAccount, FuturesClient]:
        """Return the paper account as a process that has just started has it."""
        client = FuturesClient(self.url)
        market = paper_market(client, "simulator")
        return LivePaperAccount(SqliteRecords(self.path), market, SeasonId("two"), SHARED_ACCOUNT, D(10_000)), client

    async def on_paper(self, method: str, *args: Any, **kwargs: Any) -> Any:
        account, client = self.paper()
        try:
            return await getattr(account, method)(*args, **kwargs)
        finally:
            await client.close()

    async def prepare(self, leverage: int) -> None:
        await self.venue.prepare(list(SYMBOLS), leverage)
        await self.on_paper("prepare", list(SYMBOLS), leverage)

    async def place(self, text: str, client_id: str) -> OrderStatus:
        order = make(text, client_id)
        there, here = await self.venue.place(order), await self.on_paper("place", order)
        assert (there.status, there.filled_quantity) == (here.status, here.filled_quantity), (there, here)
        return there.status

    async def same(self) -> dict[tuple[str, str], Decimal]:
        """Check that both are the same in every number, and return what is held."""
        there, here = await self.venue.book(), await self.on_paper("book")
        assert (there.positions, there.wallet_balance) == (here.positions, here.wallet_balance)
        assert there.available_balance == round(here.available_balance, 8)
        until = datetime.fromisoformat(self.simulator.state()["now"])
        cursor = dict.fromkeys(SYMBOLS, 0)
        journal = self.simulator.journal()["account-1"]
        trades = [
            (t["client_id"], t["symbol"], t["id"], t["quantity"], t["price"], t["fee"], datetime.fromisoformat(t["time"]))
            for t in journal["trades"]
        ]
        fills = [
            (f.client_order_id, f.symbol, f.trade_id, plain(f.quantity), plain(f.price), plain(f.fee), f.time)
            for f in await self.on_paper("fills", cursor, NOON - HOUR, until)
        ]
        assert sorted(trades) == sorted(fills)
        resting = {order.client_order_id for order in await self.on_paper("resting", SYMBOLS)}
        assert resting == {order.client_order_id for order in await self.venue.resting(SYMBOLS)}
        return dict(here.positions)


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    folder = generate_market(tmp_path / "market", 5, SYMBOLS, start=NOON - 10 * HOUR, bars=3000, interval_minutes=1)
    return folder


@pytest.fixture
async def two(candles: Path, tmp_path: Path) -> AsyncIterator[Two]:
    with running_simulator(candles, start=NOON + timedelta(seconds=20)) as simulator:
        client = FuturesClient(simulator.url, KEY, SECRET)
        venue = BinanceAccount(client)
        await client.synchronise()
        yield Two(simulator, venue, tmp_path / "arena.sqlite", simulator.url)
        await client.close()


async def test_three_hours_with_stops_targets_and_a_funding_that_nobody_looked_at(two: Two) -> None:
    await two.prepare(5)
    two.simulator.move_to(NOON + 2 * HOUR + timedelta(seconds=37))
    btc, sol = (two.simulator.venue.engine.last_price(symbol) for symbol in SYMBOLS)
    for number, (text, share, symbol, price) in enumerate(
        (
            ("BUY LONG 0.05", "", "BTCUSDT", btc),
            ("SELL LONG 0.05", "STOP_MARKET 0.997", "BTCUSDT", btc),
            ("SELL SHORT 20", "", "SOLUSDT", sol),
            ("BUY SHORT 20", "TAKE_PROFIT_MARKET 0.99", "SOLUSDT", sol),
            ("BUY SHORT 20", "STOP_MARKET 1.01", "SOLUSDT", sol),
        )
    ):
        kind, _, factor = share.partition(" ")
        trigger = f" {kind} {round(price * D(factor), 1)}" if kind else ""
        name = f"tag-1-{number // 2}-{symbol}-{'ost'[number % 3]}"
        assert await two.place(f"{text} {symbol}{trigger}", name) in (OrderStatus.FILLED, OrderStatus.RESTING)
    two.simulator.move_to(NOON + 5 * HOUR + timedelta(seconds=3))
    await two.same()
    two.simulator.advance(3600 * 12)
    assert await two.same() != {("BTCUSDT", "LONG"): D("0.05"), ("SOLUSDT", "SHORT"): D(-20)}


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_ordered_and_whenever_anybody_looks(two: Two, seed: int) -> None:
    """Random orders, gaps of seconds to hours, jumps of the market, looks between them or none."""
    chance = Random(seed)
    await two.prepare(10)
    for number in range(40):
        two.simulator.advance(chance.choice([0, 0, 3, 7, 20, 45, 60, 61, 300, 4000]))
        two.simulator.http.delete("/simulator/limits")
        symbol = chance.choice(SYMBOLS)
        last = two.simulator.venue.engine.last_price(symbol)
        size = {"BTCUSDT": "0.02", "SOLUSDT": "15"}[symbol]
        side, away = chance.choice(["LONG", "SHORT"]), D(chance.randint(2, 30)) / 1000
        opens, closes = ("BUY", "SELL") if side == "LONG" else ("SELL", "BUY")
        down = (1 - away) if side == "LONG" else (1 + away)
        action = chance.randint(0, 9)
        if action < 5:
            await two.place(f"{opens} {side} {size} {symbol}", f"t-{number}-A-X-o")
            await two.place(f"{closes} {side} {size} {symbol} STOP_MARKET {round(last * down, 1)}", f"t-{number}-A-X-s")
            await two.place(
                f"{closes} {side} {size} {symbol} TAKE_PROFIT_MARKET {round(last * (2 - down), 1)}", f"t-{number}-A-X-t"
            )
        elif action < 7:
            await two.place(f"{closes} {side} {size} {symbol}", f"t-{number}-A-X-c")
        elif action == 7:
            two.simulator.jump(symbol, chance.choice([-12, -3, 3, 12]))
        else:
            await two.same()
    two.simulator.advance(60)
    held = await two.same()  # compares every number of the two venues
    assert set(held) <= {(symbol, side) for symbol in SYMBOLS for side in ("LONG", "SHORT")}
    assert two.simulator.journal()["account-1"]["trades"], "a season without a trade proves nothing"


async def test_a_liquidation_is_the_venues(two: Two) -> None:
    await two.prepare(20)
    assert await two.place("BUY LONG 1.5 BTCUSDT", "opening") is OrderStatus.FILLED
    two.simulator.advance(30)
    two.simulator.jump("BTCUSDT", -20)
    two.simulator.advance(7200)
    assert await two.same() == {}
    ids = [fill.client_order_id for fill in await two.on_paper("fills", {"BTCUSDT": 1}, NOON, NOON + 3 * HOUR)]
    assert len(ids) == 1 and ids[0].startswith("autoclose-")


async def test_a_mark_of_its_own_and_an_outage(tmp_path: Path) -> None:
    """The mark keeps a spike of the last price from liquidating; minutes without volume trade nothing."""
    quiet, spike = flat("60000", 1), "60000 60000 40000 60000 10"
    rows = [*quiet * 130, spike, *quiet * 5, *flat("60000", 5, volume="0"), *quiet * 60]
    write_candles(tmp_path / "1m", "BTCUSDT", rows, start=NOON - 2 * HOUR, interval=MINUTE)
    write_candles(tmp_path / "1m", "SOLUSDT", flat("100", len(rows)), start=NOON - 2 * HOUR, interval=MINUTE)
    write_mark(tmp_path / "mark-1h", "BTCUSDT", ["60000 60100 59900 60000"] * 4, start=NOON - 2 * HOUR)
    write_funding(tmp_path / "funding", "BTCUSDT", {NOON + HOUR: 0.0003})
    with running_simulator(tmp_path / "1m", start=NOON) as simulator:
        client = FuturesClient(simulator.url, KEY, SECRET)
        await client.synchronise()
        two = Two(simulator, BinanceAccount(client), tmp_path / "arena.sqlite", simulator.url)
        await two.prepare(20)
        await two.place("BUY LONG 3 BTCUSDT", "opening")
        simulator.advance(12 * 60)
        assert await two.same() == {("BTCUSDT", "LONG"): D(3)}
        simulator.advance(5.5 * 60)
        assert await two.place("SELL LONG 1 BTCUSDT", "in-the-outage") is OrderStatus.REFUSED
        simulator.move_to(NOON + HOUR + timedelta(seconds=1))
        assert await two.same() == {("BTCUSDT", "LONG"): D(3)}
        await client.close()


async def test_what_a_look_weighs(two: Two) -> None:
    """Two for each symbol that is held or ordered, and one for the time; hours without a look cost little more.

    A question for fundings counts as one, though it weighs nothing: it has a limit of its own.
    """
    await two.prepare(5)
    for symbol, size in (("BTCUSDT", "0.02"), ("SOLUSDT", "5")):
        await two.place(f"BUY LONG {size} {symbol}", f"{symbol}-o")

    async def weighs() -> int:
        account, client = two.paper()
        await account.book()
        await client.close()
        calls = client.budget.calls
        return client.budget.weight - calls["futures_exchange_info"] + calls["futures_funding_rate"]

    two.simulator.advance(400)
    assert await weighs() == 1 + 2 * (2 + 1), "the fundings of the hour are asked for again some minutes after it"
    two.simulator.advance(7)
    assert await weighs() == 1 + 2 * 2
    assert await weighs() == 1, "nobody reads what was read at this instant"
    two.simulator.advance(3 * 3600)
    assert await weighs() <= 1 + 2 * 2 * 2 + 2
    two.simulator.advance(20 * 3600)
    assert await weighs() <= 1 + 2 * 2 * 2 * 3 + 2
