"""Every endpoint of Binance that is used, answered over HTTP as Binance documents it, and read by the adapters.

`binance/METHOD_path.json` holds an answer in Binance's wire format, also with the fields that nobody here reads. The
numbers are made up and belong together: the account, its trades and its income are those of one order.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from arena.adapters.binance import schemas
from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.listings import BinanceListings
from arena.adapters.binance.market import BinanceMarket
from arena.adapters.binance.status import BinanceStatus
from arena.adapters.binance.whole_account import BinanceWholeAccount
from arena.domain.order import Order, OrderSide, OrderStatus, OrderType, PositionSide
from arena.errors import ConfigurationError

ANSWERS = Path(__file__).parent / "binance"
D = Decimal
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
LONG, SHORT = ("BTCUSDT", PositionSide.LONG), ("BTCUSDT", PositionSide.SHORT)
OPENING, STOP, ENTRY = "a1b2c3-7-A-BTCUSDT-o", "a1b2c3-7-A-BTCUSDT-s", "a1b2c3-8-A-BTCUSDT-o"


@dataclass
class Recorded:
    """A server that answers from the files, and what it was asked."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    sent: dict[str, dict[str, str]] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        name = request.method + request.path.replace("/", "_")
        parameters = {**request.query, **await request.post()}
        self.asked.append(name)
        self.sent[name] = {key: str(value) for key, value in parameters.items()}
        found = json.loads((ANSWERS / f"{name}.json").read_text())
        if name.endswith(("premiumIndex", "ticker_price")) and "symbol" in parameters:
            found = next(row for row in found if row["symbol"] == parameters["symbol"])
        return web.json_response(found, headers={"X-MBX-USED-WEIGHT-1M": "17"})


@pytest.fixture
async def recorded() -> AsyncIterator[Recorded]:
    found, app = Recorded(), web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def client(recorded: Recorded) -> AsyncIterator[FuturesClient]:
    found = FuturesClient(recorded.url, "key", "secret")
    yield found
    await found.close()


async def test_every_endpoint_that_is_used_is_read(recorded: Recorded, client: FuturesClient) -> None:
    await read_the_market(client)
    await read_the_listings(client)
    await read_the_account(client, recorded)
    await trade(client, recorded)
    await look_at_everything(client)
    assert {f"{name}.json" for name in recorded.asked} == {path.name for path in ANSWERS.iterdir()}
    assert client.budget.used_weight == 17
    assert client.budget.calls.keys() >= methods_in_the_source()


def methods_in_the_source() -> set[str]:
    """Every method of python-binance that the adapters name."""
    folder = Path(schemas.__file__).parent
    text = "\n".join(path.read_text() for path in folder.glob("*.py") if path.name != "limits.py")
    return {"futures_" + part.split('"')[0] for part in text.split('"futures_')[1:]}


async def read_the_market(client: FuturesClient) -> None:
    market = BinanceMarket(client, venue="Binance")
    assert await market.time() == NEW_YEAR + timedelta(milliseconds=345)
    btc = (await market.instruments(["BTCUSDT", "NOSUCHUSDT"]))["BTCUSDT"]
    assert (btc.tick_size, btc.step_size, btc.min_notional) == (D("0.1"), D("0.001"), 50)
    assert (btc.max_quantity, btc.max_market_quantity, btc.price_band) == (1000, 120, D("0.05"))
    assert (btc.maker_fee_rate, btc.taker_fee_rate) == (D("0.00018"), D("0.00045"))
    assert [(t.max_leverage, t.maintenance_rate, t.maintenance_amount) for t in btc.tiers] == [
        (125, D("0.004"), 0),
        (100, D("0.005"), 300),
    ]
    seen = (await market.snapshot(["BTCUSDT"], NEW_YEAR + timedelta(seconds=1))).symbols["BTCUSDT"]
    assert [candle.close for candle in seen.candles] == [D("87455.00"), D("87350.20")], "not the one that is forming"
    assert seen.candles[-1].close_time == NEW_YEAR and seen.candles[-1].volume == D("201.050")
    assert (seen.last_price, seen.mark_price, seen.funding_rate) == (D("87360.10"), D("87359.13456522"), D("0.00007126"))
    assert seen.next_funding_time == NEW_YEAR + timedelta(hours=8)
    (paid,) = await market.fundings(["BTCUSDT"], NEW_YEAR - timedelta(hours=1), NEW_YEAR + timedelta(minutes=1))
    assert (paid.rate, paid.mark_price) == (D("-0.00002150"), D("87349.92818182"))
    assert paid.time == NEW_YEAR + timedelta(milliseconds=7)
    bar = (await market.minutes("BTCUSDT", NEW_YEAR, NEW_YEAR))[-1]
    assert (bar.trade.high, bar.mark.high, bar.mark.open) == (D("87371.90"), D("87362.44"), D("87349.92818182"))


async def read_the_listings(client: FuturesClient) -> None:
    listings = BinanceListings(client, signed=True, venue="Binance")
    found = await listings.listings(["DOGEUSDT", "OLDUSDT"])
    doge = found["DOGEUSDT"]
    assert (doge.last_price, doge.mark_price, doge.min_notional, doge.step_size) == (D("0.122310"), D("0.12233"), 5, 1)
    assert doge.trading and not found["OLDUSDT"].trading and found["OLDUSDT"].last_price is None
    assert await listings.tradable() == ("BTCUSDT", "DOGEUSDT")
    tiers = await listings.tiers(["DOGEUSDT"])
    assert tiers is not None and [tier.notional_cap for tier in tiers["DOGEUSDT"]] == [10000, 60000]


async def read_the_account(client: FuturesClient, recorded: Recorded) -> None:
    account = BinanceAccount(client)
    await account.prepare(["BTCUSDT", "DOGEUSDT"], 5)
    assert recorded.sent["POST_fapi_v1_feeBurn"]["feeBurn"] == "false"
    assert recorded.sent["POST_fapi_v1_multiAssetsMargin"]["multiAssetsMargin"] == "false"
    assert recorded.sent["POST_fapi_v1_positionSide_dual"]["dualSidePosition"] == "true"
    assert recorded.asked.count("POST_fapi_v1_leverage") == 1, "DOGEUSDT is as it should be"
    book = await account.book()
    assert book.positions == {LONG: D("0.002"), SHORT: D("-0.001")}
    assert (book.wallet_balance, book.available_balance) == (D("601.17254410"), D("550.65218801"))
    assert book.unrealized_pnl == D("-0.48208696")
    assert abs(book.marks["BTCUSDT"] - D("87359.13456522")) < D("0.00001")
    first, second = await account.fills({"BTCUSDT": 6120000}, NEW_YEAR, NEW_YEAR + timedelta(minutes=1))
    assert (first.client_order_id, first.trade_id, first.price, first.quantity) == (OPENING, 6120001, D("87362.50"), D("0.001"))
    assert first.fee + second.fee == D("0.07862629") and first.side is OrderSide.BUY
    income = await account.income(NEW_YEAR - timedelta(days=1), NEW_YEAR + timedelta(minutes=1))
    assert income == {"COMMISSION": D("-0.07862629"), "FUNDING_FEE": D("0.00375605"), "TRANSFER": 600}


def an_order(order_type: OrderType, client_id: str, trigger: str | None = None) -> Order:
    return Order(
        client_order_id=client_id,
        symbol="BTCUSDT",
        side=OrderSide.BUY if trigger is None else OrderSide.SELL,
        position_side=PositionSide.LONG,
        order_type=order_type,
        quantity=D("0.002"),
        trigger_price=None if trigger is None else D(trigger),
    )


async def trade(client: FuturesClient, recorded: Recorded) -> None:
    account = BinanceAccount(client)
    opened = await account.place(an_order(OrderType.MARKET, OPENING))
    assert (opened.status, opened.filled_quantity, opened.exchange_order_id) == (OrderStatus.FILLED, D("0.002"), "412388101552")
    sent = recorded.sent["POST_fapi_v1_order"]
    assert (sent["positionSide"], sent["quantity"], sent["newClientOrderId"]) == ("LONG", "0.002", OPENING)
    assert "reduceOnly" not in sent
    stop = await account.place(an_order(OrderType.STOP_MARKET, STOP, "86000"))
    assert (stop.status, stop.exchange_order_id) == (OrderStatus.RESTING, "3000000012345")
    sent = recorded.sent["POST_fapi_v1_algoOrder"]
    assert (sent["clientAlgoId"], sent["triggerPrice"], sent["type"], sent["positionSide"], sent["quantity"]) == (
        STOP,
        "86000",
        "STOP_MARKET",
        "LONG",
        "0.002",
    )
    found = await account.find("BTCUSDT", OPENING, conditional=False)
    assert found is not None and found.status is OrderStatus.FILLED
    assert [order.client_order_id[-1] for order in await account.resting(["BTCUSDT"])] == ["s", "t"], "not the trailing stop"
    before = await account.find("BTCUSDT", "a1b2c3-6-A-BTCUSDT-s", conditional=True)
    assert before is not None and before.status is OrderStatus.REFUSED and "CANCELED" in before.message
    assert await account.cancel("BTCUSDT", STOP, conditional=True)
    await account.place(replace(an_order(OrderType.LIMIT, ENTRY), price=D("86900")))
    sent = recorded.sent["POST_fapi_v1_order"]
    assert (sent["type"], sent["timeInForce"], sent["price"], sent["newClientOrderId"]) == ("LIMIT", "GTX", "86900", ENTRY)
    assert await account.cancel("BTCUSDT", ENTRY, conditional=False)
    sent = recorded.sent["DELETE_fapi_v1_order"]
    assert sent["origClientOrderId"] == ENTRY and "clientAlgoId" not in sent
    ended = await account.cancel_together("BTCUSDT", [ENTRY, OPENING], conditional=False)
    assert {name: (end.status, end.filled_quantity) for name, end in ended.items()} == {ENTRY: (OrderStatus.FILLED, D("0.001"))}
    assert recorded.sent["DELETE_fapi_v1_batchOrders"]["origclientorderidlist"] == f'["{ENTRY}","{OPENING}"]'


async def look_at_everything(client: FuturesClient) -> None:
    whole = BinanceWholeAccount(client)
    assert await whole.positions() == {LONG: D("0.002"), SHORT: D("-0.001")}
    assert await whole.resting() == ("BTCUSDT",)
    await whole.cancel_all("BTCUSDT")
    await whole.close("BTCUSDT", PositionSide.LONG, D("0.002"))
    status = BinanceStatus(client)
    await status.clock()
    assert await status.hedge_mode()
    assert [position.quantity for position in await status.positions()] == [D("0.002"), D("0.001")]


def test_a_fee_in_another_coin_is_not_booked_as_usdt() -> None:
    (trade, _) = json.loads((ANSWERS / "GET_fapi_v1_userTrades.json").read_text())
    with pytest.raises(ConfigurationError, match="has a fee in BNB"):
        schemas.fill({**trade, "commissionAsset": "BNB"}, OPENING)


def test_what_was_taken_from_the_venue_parses(marketdata: Path) -> None:
    """Real contracts with their real tiers."""
    exchange = marketdata.parent / "exchange"
    brackets = {row["symbol"]: row["brackets"] for row in json.loads((exchange / "leverageBracket.json").read_text())}
    fees = json.loads((ANSWERS / "GET_fapi_v1_commissionRate.json").read_text())
    listed = json.loads((exchange / "exchangeInfo.json").read_text())["symbols"]
    found = [schemas.instrument(entry, schemas.tiers(brackets[entry["symbol"]]), fees) for entry in listed]
    assert len(found) >= 6 and all(each.trading and len(each.tiers) > 5 and each.tick_size > 0 for each in found)
