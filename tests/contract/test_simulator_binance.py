"""The simulator speaks Binance's USD-M futures API, as python-binance understands it, over real HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from arena.errors import ConfigurationError
from arena.simulator.app import serve
from arena.simulator.clock import SimulatedClock
from tests.fakes.candles import BAR, START, flat, write_candles, write_funding, write_mark
from tests.fakes.simulator import Simulator, connected, running_simulator, synchronise

NOW = START + 12 * BAR  # 01:00
FUNDED_AT = NOW + timedelta(hours=1)
DIP = "60000 60100 58900 59000 40"  # BTC's bar that opens at 01:10
DAY_BARS = 288


def write_market(folder: Path) -> Path:
    write_candles(folder, "BTCUSDT", [*flat("60000", 14), DIP, *flat("59000", DAY_BARS)])
    write_candles(folder, "ETHUSDT", [*flat("3000", 13), *flat("3000", 1, volume="0"), *flat("3000", DAY_BARS)])
    write_candles(folder, "DOGEUSDT", [*flat("0.31", 10), "0.31 0.33 0.3 0.32 1000", *flat("0.32", DAY_BARS)])
    write_funding(folder.parent / "funding", "BTCUSDT", {START: -0.00012345, FUNDED_AT: 0.0003})
    hours = ["60000 60000 60000 60000", "60000 60050 59000 59000", *["58990 59100 58900 59000"] * 9]
    write_mark(folder.parent / "mark-1h", "BTCUSDT", hours)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_market(tmp_path / "5m")


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    with running_simulator(folder, start=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One simulator for all tests that must leave it as it was."""
    with running_simulator(write_market(tmp_path_factory.mktemp("market") / "5m"), start=NOW) as running:
        running.venue.engine.account("account-1").dual_side = True
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncClient]:
    async with connected(simulator) as client:
        yield client


@pytest.fixture
async def hedged(client: AsyncClient) -> AsyncClient:
    await client.futures_change_position_mode(dualSidePosition="true")
    return client


@pytest.fixture
async def trader(unchanged: Simulator) -> AsyncIterator[AsyncClient]:
    """A client of the shared simulator, in hedge mode."""
    async with connected(unchanged) as client:
        yield client
    account = unchanged.state()["accounts"]["account-1"]
    assert (account["wallet_balance"], account["positions"], account["open_orders"]) == ("10000", {}, 0)


def order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "positionSide": "LONG",
        "type": "MARKET",
        "quantity": "0.010",
        "newOrderRespType": "RESULT",
    } | changes


def limit(**changes: Any) -> dict[str, Any]:
    return order(type="LIMIT", price="59500.0", timeInForce="GTC") | changes


def stop(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "LONG",
        "type": "STOP_MARKET",
        "quantity": "0.010",
        "triggerPrice": "59500.0",
        "clientAlgoId": "abc123-7-A-BTCUSDT-s",
    } | changes


async def refusal(answer: Awaitable[Any]) -> tuple[int, int]:
    """Return code and HTTP status of an answer that must be an error."""
    with pytest.raises(BinanceAPIException) as caught:
        await answer
    return caught.value.code, caught.value.status_code


# --- the gate ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "secret", "expected"),
    [("test-key", "wrong", (-1022, 400)), ("nobody", "test-secret", (-2015, 401)), ("not a key!", "x", (-2014, 401))],
)
async def test_keys_and_signatures(unchanged: Simulator, key: str, secret: str, expected: tuple[int, int]) -> None:
    async with connected(unchanged, key, secret) as client:
        assert await refusal(client.futures_account(version=3)) == expected
        assert await refusal(client.futures_create_order(**order())) == expected  # signed in a form body


async def test_a_key_is_needed(unchanged: Simulator) -> None:
    async with httpx.AsyncClient(base_url=unchanged.url) as http:
        answer = await http.get("/fapi/v3/account", params={"timestamp": 1})
    assert (answer.status_code, answer.json()) == (401, {"code": -2014, "msg": "API-key format invalid."})


@pytest.mark.parametrize("drift_ms", [-11_000, 60_000])
async def test_a_clock_that_is_off_is_refused(client: AsyncClient, drift_ms: int) -> None:
    offset = client.timestamp_offset
    client.timestamp_offset = offset + drift_ms
    assert await refusal(client.futures_account(version=3)) == (-1021, 400)
    client.timestamp_offset = offset
    assert Decimal((await client.futures_account(version=3))["totalWalletBalance"]) == 10_000


def test_the_timestamp_window_follows_the_clocks_speed() -> None:
    wall = [0.0]
    live = SimulatedClock(NOW, 1.0, lambda: wall[0])
    assert live.accepts(5_999, 5_000, 10_000) and not live.accepts(6_000, 5_000, 10_000)
    assert live.accepts(0, 10_000, 10_000) and not live.accepts(0, 10_001, 10_000)
    fast = SimulatedClock(NOW, 60.0, lambda: wall[0])
    still = SimulatedClock(NOW, 0.0, lambda: wall[0])
    wall[0] = 8.0
    assert fast.now() == NOW + timedelta(minutes=8) and still.now() == NOW
    assert fast.accepts(0, 600_000, 10_000) and not fast.accepts(0, 600_001, 10_000)
    assert still.accepts(8_999, 0, 10_000) and not still.accepts(9_000, 0, 10_000)  # the client's clock went on


async def test_create_pings_the_spot_paths(unchanged: Simulator) -> None:
    class Client(AsyncClient):
        API_URL = f"{unchanged.url}/api"

    client = await Client.create("test-key", "test-secret")
    assert await client.get_server_time() == {"serverTime": 1735693200000}
    assert abs(client.timestamp_offset + time.time() * 1000 - 1735693200000) < 5_000
    await client.close_connection()


# --- error codes of orders -----------------------------------------------------------------------------------------------------

REFUSED_ORDERS: dict[str, tuple[dict[str, Any], int]] = {
    "unknown symbol": (order(symbol="NOSUCH"), -1121),
    "no side": (order(side=None), -1102),
    "no quantity": (order(quantity=None), -1102),
    "quantity in words": (order(quantity="much"), -1100),
    "quantity as a float": (order(quantity=1e-05), -1100),
    "quantity beyond reason": (order(quantity="9" * 16), -1100),
    "limit without price": (limit(price=None), -1102),
    "limit without time in force": (limit(timeInForce=None), -1102),
    "no such side": (order(side="HOLD"), -1117),
    "no such type": (order(type="ICEBERG"), -1116),
    "no such time in force": (limit(timeInForce="GTG"), -1130),
    "quantity too fine": (order(quantity="0.0105"), -1111),
    "price too fine": (limit(price="59500.055"), -1111),
    "price between ticks": (limit(price="59500.05"), -4014),
    "no quantity at all": (order(quantity="0"), -4003),
    "negative quantity": (order(quantity="-0.01"), -1100),
    "quantity above the maximum": (order(quantity="120.001"), -4005),
    "no positive price": (limit(price="0"), -4001),
    "buy limit above the band": (limit(price="63000.1"), -4016),
    "sell limit below the band": (limit(side="SELL", positionSide="SHORT", price="56999.9"), -4024),
    "below min notional": (limit(quantity="0.001", price="49999.9", symbol="BTCUSDT"), -4164),
    "margin": (order(quantity="4"), -2019),
    "leverage of the tier": (order(symbol="DOGEUSDT", quantity="20000000"), -2027),
    "closing nothing": (order(side="SELL"), -2022),
    "one-way order in hedge mode": (order(positionSide="BOTH"), -4061),
    "no position side": (order(positionSide=None), -4061),
    "reduce only in hedge mode": (order(reduceOnly="true"), -1106),
    "post only that would take": (limit(timeInForce="GTX", price="60500.0"), -5022),
    "fill or kill that cannot": (limit(timeInForce="FOK"), -5021),
    "good till without date": (limit(timeInForce="GTD"), -1102),
    "good till too soon": (limit(timeInForce="GTD", goodTillDate=1735693200000 + 600_000), -1130),
    "client id too long": (order(newClientOrderId="x" * 37), -4015),
    "client id of other characters": (order(newClientOrderId="a~b"), -1100),
}


@pytest.mark.parametrize(("parameters", "code"), REFUSED_ORDERS.values(), ids=REFUSED_ORDERS)
async def test_an_order_is_refused(trader: AsyncClient, parameters: dict[str, Any], code: int) -> None:
    assert await refusal(trader.futures_create_order(**parameters)) == (code, 400)


REFUSED_STOPS: dict[str, tuple[dict[str, Any], int]] = {
    "would trigger": (stop(triggerPrice="60000.0"), -2021),
    "target already reached": (stop(type="TAKE_PROFIT_MARKET", triggerPrice="59999.9"), -2021),
    "no trigger": (stop(triggerPrice=None), -1102),
    "trigger between ticks": (stop(triggerPrice="59500.05"), -4014),
    "a kind that is not simulated": (stop(type="STOP", price="59500.0"), -1116),
    "on the mark": (stop(workingType="MARK_PRICE"), -1130),
    "closePosition of nothing": (stop(quantity=None, closePosition="true"), -2022),
    "closePosition with a quantity": (stop(closePosition="true"), -4136),
}


@pytest.mark.parametrize(("parameters", "code"), REFUSED_STOPS.values(), ids=REFUSED_STOPS)
async def test_a_stop_is_refused(trader: AsyncClient, parameters: dict[str, Any], code: int) -> None:
    assert await refusal(trader.futures_create_order(**parameters)) == (code, 400)
    assert await trader.futures_get_open_orders(conditional=True) == []


async def test_conditional_orders_are_taken_by_the_algo_service_alone(trader: AsyncClient) -> None:
    for kind in ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"):
        parameters = order(type=kind, stopPrice="59000")
        assert await refusal(trader._request_futures_api("post", "order", True, data=parameters)) == (-4120, 400)


async def test_an_open_client_id_is_not_taken_twice(hedged: AsyncClient) -> None:
    await hedged.futures_create_order(**limit(newClientOrderId="mine"))
    assert await refusal(hedged.futures_create_order(**limit(newClientOrderId="mine"))) == (-4116, 400)
    await hedged.futures_create_order(**stop())
    assert await refusal(hedged.futures_create_order(**stop())) == (-4116, 400)


async def test_orders_that_are_not_there(trader: AsyncClient) -> None:
    lost = {"symbol": "BTCUSDT", "origClientOrderId": "lost"}
    assert await refusal(trader.futures_get_order(**lost)) == (-2013, 400)
    assert await refusal(trader.futures_cancel_order(**lost)) == (-2011, 400)
    assert await refusal(trader.futures_get_order(symbol="BTCUSDT")) == (-1102, 400)
    assert await refusal(trader.futures_get_algo_order(clientAlgoId="lost")) == (-2013, 400)
    assert await refusal(trader.futures_cancel_algo_order(clientAlgoId="lost")) == (-2011, 400)


async def test_nobody_trades_in_a_bar_without_volume(hedged: AsyncClient, simulator: Simulator) -> None:
    simulator.advance(300)
    await synchronise(hedged)
    assert await refusal(hedged.futures_create_order(**order(symbol="ETHUSDT", quantity="0.1"))) == (-4131, 400)


# --- settings ------------------------------------------------------------------------------------------------------------------


async def test_position_mode(client: AsyncClient) -> None:
    assert await client.futures_get_position_mode() == {"dualSidePosition": False}
    assert await refusal(client.futures_create_order(**order())) == (-4061, 400)
    assert await client.futures_change_position_mode(dualSidePosition="true") == {"code": 200, "msg": "success"}
    assert await refusal(client.futures_change_position_mode(dualSidePosition="true")) == (-4059, 400)
    assert await client.futures_get_position_mode() == {"dualSidePosition": True}
    await client.futures_create_order(**order())
    assert await refusal(client.futures_change_position_mode(dualSidePosition="false")) == (-4068, 400)
    await client.futures_create_order(**stop())
    assert await refusal(client.futures_change_position_mode(dualSidePosition="false")) == (-4067, 400)


async def test_margin_type_and_leverage(client: AsyncClient) -> None:
    assert await refusal(client.futures_change_margin_type(symbol="BTCUSDT", marginType="CROSSED")) == (-4046, 400)
    assert await refusal(client.futures_change_margin_type(symbol="BTCUSDT", marginType="ISOLATED")) == (-4168, 400)
    assert (await client.futures_symbol_config(symbol="BTCUSDT"))[0]["leverage"] == 20
    changed = await client.futures_change_leverage(symbol="BTCUSDT", leverage=50)
    assert changed == {"leverage": 50, "maxNotionalValue": "12000000", "symbol": "BTCUSDT"}
    for leverage in (0, 151):
        assert await refusal(client.futures_change_leverage(symbol="BTCUSDT", leverage=leverage)) == (-4028, 400)
    config = {row["symbol"]: row for row in await client.futures_symbol_config()}
    assert config["BTCUSDT"]["leverage"] == 50 and config["ETHUSDT"]["leverage"] == 20
    assert config["BTCUSDT"]["marginType"] == "CROSSED"


async def test_brackets_and_fees(trader: AsyncClient) -> None:
    brackets = {row["symbol"]: row["brackets"] for row in await trader.futures_leverage_bracket()}
    assert brackets["BTCUSDT"][1] == {
        "bracket": 2,
        "initialLeverage": 100,
        "notionalCap": 800000,
        "notionalFloor": 300000,
        "maintMarginRatio": 0.005,
        "cum": 300.0,
    }
    assert set(brackets) == {"BTCUSDT", "ETHUSDT", "DOGEUSDT"}
    fees = await trader.futures_commission_rate(symbol="BTCUSDT")
    assert (fees["makerCommissionRate"], fees["takerCommissionRate"]) == ("0.0002", "0.0005")


# --- orders and what they leave behind -----------------------------------------------------------------------------------------


async def test_a_market_round_trip_is_exact(hedged: AsyncClient, simulator: Simulator) -> None:
    opened = await hedged.futures_create_order(**order(newClientOrderId="abc123-1-A-BTCUSDT-o"))
    assert not {"avgPrice", "cumQuote"} & set(opened)
    assert (opened["status"], opened["executedQty"], opened["clientOrderId"]) == ("FILLED", "0.010", "abc123-1-A-BTCUSDT-o")
    asked = await hedged.futures_get_order(symbol="BTCUSDT", origClientOrderId="abc123-1-A-BTCUSDT-o")
    assert (asked["orderId"], asked["avgPrice"], asked["cumQuote"]) == (opened["orderId"], "60012.00000", "600.1200")
    simulator.advance(900)  # to 01:15, when the price is 59000
    await synchronise(hedged)
    closed = await hedged.futures_create_order(**order(side="SELL"))
    buy, sell = await hedged.futures_account_trades(symbol="BTCUSDT")
    assert (buy["price"], buy["qty"], buy["commission"], buy["realizedPnl"]) == ("60012.0", "0.010", "0.30006000", "0.00000000")
    assert (buy["side"], buy["positionSide"], buy["buyer"], buy["maker"], buy["commissionAsset"]) == (
        "BUY",
        "LONG",
        True,
        False,
        "USDT",
    )
    assert (sell["price"], sell["commission"], sell["realizedPnl"]) == ("58988.2", "0.29494100", "-10.23800000")
    assert (sell["orderId"], sell["id"], sell["time"]) == (closed["orderId"], 2, 1735693200000 + 900_000)
    account = await hedged.futures_account(version=3)
    assert Decimal(account["totalWalletBalance"]) == 10_000 - Decimal("0.30006") - Decimal("0.294941") - Decimal("10.238")
    assert await hedged.futures_position_information() == []
    incomes = await hedged.futures_income_history()
    assert [(row["incomeType"], row["income"], row["tradeId"]) for row in incomes] == [
        ("TRANSFER", "10000.00000000", ""),
        ("COMMISSION", "-0.30006000", "1"),
        ("REALIZED_PNL", "-10.23800000", "2"),
        ("COMMISSION", "-0.29494100", "2"),
    ]


async def test_small_numbers_are_not_rounded_on_the_wire(hedged: AsyncClient) -> None:
    await hedged.futures_create_order(**order(symbol="DOGEUSDT", quantity="33"))
    (trade,) = await hedged.futures_account_trades(symbol="DOGEUSDT")
    assert (trade["price"], trade["commission"]) == ("0.32007", "0.005281155")
    (balance,) = await hedged.futures_account_balance()
    assert balance["balance"] == "9999.994718845"


async def test_an_acknowledged_market_order_says_nothing_of_its_fill(hedged: AsyncClient) -> None:
    parameters = order(newClientOrderId="quick")
    del parameters["newOrderRespType"]
    answer = await hedged.futures_create_order(**parameters)
    assert (answer["status"], answer["executedQty"]) == ("NEW", "0.000")
    asked = await hedged.futures_get_order(symbol="BTCUSDT", orderId=answer["orderId"])
    assert (asked["status"], asked["executedQty"]) == ("FILLED", "0.010")


async def test_long_and_short_of_one_symbol_are_two_positions(hedged: AsyncClient, simulator: Simulator) -> None:
    await hedged.futures_create_order(**order())
    await hedged.futures_create_order(**order(side="SELL", positionSide="SHORT", quantity="0.004"))
    assert await refusal(hedged.futures_create_order(**order(side="BUY", positionSide="SHORT", quantity="0.005"))) == (-2022, 400)
    held = {row["positionSide"]: row for row in await hedged.futures_position_information(version=3)}
    assert (held["LONG"]["positionAmt"], held["SHORT"]["positionAmt"]) == ("0.010", "-0.004")
    assert (held["LONG"]["entryPrice"], held["SHORT"]["entryPrice"]) == ("60012", "59988")
    assert (held["LONG"]["unRealizedProfit"], held["SHORT"]["notional"]) == ("-0.12000000", "-240.00000000")
    assert (held["LONG"]["initialMargin"], held["LONG"]["maintMargin"]) == ("30.00000000", "2.40000000")
    assert not {"leverage", "marginType"} & set(held["LONG"])
    every = await hedged.futures_position_information(version=2)
    assert len(every) == 6 and {row["leverage"] for row in every} == {"20"} and {row["marginType"] for row in every} == {"cross"}
    account = await hedged.futures_account(version=2)
    assert len(account["positions"]) == 6 and account["canTrade"]
    assert Decimal(account["totalInitialMargin"]) == 42  # (600 + 240) / 20: the sides are not netted
    assert Decimal(account["availableBalance"]) == Decimal(account["totalMarginBalance"]) - 42
    assert simulator.state()["accounts"]["account-1"]["positions"] == {"BTCUSDT": {"LONG": "0.01", "SHORT": "-0.004"}}


async def test_position_risk_shows_open_orders_and_a_liquidation_price(hedged: AsyncClient) -> None:
    await hedged.futures_create_order(**limit(positionSide="SHORT", side="SELL", price="60500.0", quantity="0.01"))
    (waiting,) = await hedged.futures_position_information()
    assert (waiting["positionSide"], waiting["positionAmt"], waiting["liquidationPrice"]) == ("SHORT", "0.000", "0.0")
    await hedged.futures_create_order(**order(quantity="2"))
    row = next(row for row in await hedged.futures_position_information() if row["positionSide"] == "LONG")
    wallet, quantity, entry = 10_000 - 2 * Decimal("60012") * Decimal("0.0005"), 2, Decimal("60012")
    expected = (wallet - quantity * entry) / (quantity * Decimal("0.004") - quantity)
    assert 0 <= expected - Decimal(row["liquidationPrice"]) < Decimal("0.1")
    await hedged.futures_create_order(**order(positionSide="SHORT", side="SELL", quantity="0.5"))
    both = await hedged.futures_position_information()
    assert [each["positionSide"] for each in both] == ["LONG", "SHORT"]
    assert both[0]["liquidationPrice"] == both[1]["liquidationPrice"]
    assert Decimal(both[0]["liquidationPrice"]) < Decimal(row["liquidationPrice"]), "what one side loses the other gains"


async def test_limit_orders_rest_fill_expire_and_are_cancelled(hedged: AsyncClient, simulator: Simulator) -> None:
    resting = await hedged.futures_create_order(**limit(newClientOrderId="low"))
    assert (resting["status"], resting["timeInForce"]) == ("NEW", "GTC") and "avgPrice" not in resting
    gone = await hedged.futures_create_order(**limit(timeInForce="IOC"))
    assert (gone["status"], gone["executedQty"]) == ("EXPIRED", "0.000")
    maker = await hedged.futures_create_order(**limit(timeInForce="GTX", price="58000.0"))
    until = 1735693200000 + 660_000
    dated = await hedged.futures_create_order(**limit(timeInForce="GTD", price="57500.0", goodTillDate=until))
    assert (maker["timeInForce"], dated["goodTillDate"]) == ("GTX", until)
    taker = await hedged.futures_create_order(**limit(price="60010.0", timeInForce="FOK"))
    assert taker["status"] == "FILLED"
    assert len(await hedged.futures_get_open_orders(symbol="BTCUSDT")) == 3
    assert await hedged.futures_get_open_orders(symbol="ETHUSDT") == []
    cancelled = await hedged.futures_cancel_order(symbol="BTCUSDT", orderId=maker["orderId"])
    assert (cancelled["status"], cancelled["clientOrderId"]) == ("CANCELED", maker["clientOrderId"])
    simulator.advance(900)
    await synchronise(hedged)
    states = {row["orderId"]: row["status"] for row in await hedged.futures_get_all_orders(symbol="BTCUSDT")}
    assert [states[row["orderId"]] for row in (resting, gone, maker, dated, taker)] == [
        "FILLED",
        "EXPIRED",
        "CANCELED",
        "EXPIRED",
        "FILLED",
    ]
    trades = await hedged.futures_account_trades(symbol="BTCUSDT")
    assert [(t["price"], t["maker"], t["commission"]) for t in trades] == [
        ("60010.0", False, "0.30005000"),
        ("59500.0", True, "0.11900000"),
    ]


async def test_a_stop_triggers_and_its_child_has_its_id(hedged: AsyncClient, simulator: Simulator) -> None:
    await hedged.futures_create_order(**order())
    placed = await hedged.futures_create_order(**stop())
    target = await hedged.futures_create_order(
        **stop(type="TAKE_PROFIT_MARKET", triggerPrice="60050.0", clientAlgoId="abc123-7-A-BTCUSDT-t")
    )
    assert (placed["algoStatus"], placed["orderType"], placed["triggerPrice"]) == ("NEW", "STOP_MARKET", "59500.0")
    assert target["orderType"] == "TAKE_PROFIT_MARKET"
    assert await hedged.futures_get_open_orders(symbol="BTCUSDT") == []
    simulator.advance(900)  # through the dip, which touches both: the stop counts
    await synchronise(hedged)
    done = await hedged.futures_get_algo_order(clientAlgoId="abc123-7-A-BTCUSDT-s")
    assert (done["algoStatus"], done["actualPrice"], done["actualQty"]) == ("FINISHED", "59488.1", "0.010")
    child = await hedged.futures_get_order(symbol="BTCUSDT", orderId=done["actualOrderId"])
    assert (child["clientOrderId"], child["type"], child["status"]) == ("abc123-7-A-BTCUSDT-s", "MARKET", "FILLED")
    assert child["avgPrice"] == "59488.10000"
    trade = (await hedged.futures_account_trades(symbol="BTCUSDT", orderId=done["actualOrderId"]))[0]
    assert (trade["price"], trade["side"], trade["positionSide"], trade["realizedPnl"]) == (
        "59488.1",
        "SELL",
        "LONG",
        "-5.23900000",
    )
    assert trade["time"] == done["triggerTime"] == 1735693200000 + 900_000 - 1
    still = await hedged.futures_get_open_orders(conditional=True)
    assert [row["clientAlgoId"] for row in still] == ["abc123-7-A-BTCUSDT-t"]
    cancelled = await hedged.futures_cancel_order(symbol="BTCUSDT", clientAlgoId="abc123-7-A-BTCUSDT-t", conditional=True)
    assert cancelled == {"algoId": target["algoId"], "clientAlgoId": "abc123-7-A-BTCUSDT-t", "code": "200", "msg": "success"}
    history = await hedged.futures_get_all_algo_orders(symbol="BTCUSDT")
    assert [row["algoStatus"] for row in history] == ["FINISHED", "CANCELED"]
    assert {row["orderId"] for row in await hedged.futures_get_all_orders(symbol="BTCUSDT")}.isdisjoint(
        {placed["algoId"], target["algoId"]}
    )


async def test_close_position_closes_the_bucket(hedged: AsyncClient, simulator: Simulator) -> None:
    await hedged.futures_create_order(**order(quantity="0.017"))
    placed = await hedged.futures_create_order(**stop(quantity=None, closePosition="true"))
    assert (placed["closePosition"], placed["quantity"]) == (True, "0.017")
    simulator.advance(900)
    await synchronise(hedged)
    assert await hedged.futures_position_information() == []


async def test_cancelling_all_orders_leaves_the_stops(hedged: AsyncClient) -> None:
    await hedged.futures_create_order(**limit())
    await hedged.futures_create_order(**stop())
    done = {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert await hedged.futures_cancel_all_open_orders(symbol="BTCUSDT") == done
    assert await hedged.futures_get_open_orders() == []
    assert len(await hedged.futures_get_open_orders(conditional=True)) == 1
    assert await hedged.futures_cancel_all_open_orders(symbol="BTCUSDT", conditional=True) == done
    assert await hedged.futures_get_open_orders(conditional=True) == []


async def test_orders_are_cancelled_by_a_list_each_answered_for_itself(hedged: AsyncClient) -> None:
    placed = [await hedged.futures_create_order(**limit(newClientOrderId=name)) for name in ("one", "two", "three")]
    listed = {"symbol": "BTCUSDT", "origclientorderidlist": ["two", "nobody", "one"]}
    two, nobody, one = await hedged.futures_cancel_orders(**listed)
    assert nobody == {"code": -2011, "msg": "Unknown order sent."}
    assert [(row["clientOrderId"], row["status"], row["executedQty"]) for row in (two, one)] == [
        ("two", "CANCELED", "0.000"),
        ("one", "CANCELED", "0.000"),
    ]
    assert two.keys() == (await hedged.futures_cancel_order(symbol="BTCUSDT", origClientOrderId="three")).keys()
    assert [row.get("code") for row in await hedged.futures_cancel_orders(**listed)] == [-2011] * 3
    by_id = await hedged.futures_cancel_orders(symbol="BTCUSDT", orderidlist=[placed[0]["orderId"]])
    assert [row["code"] for row in by_id] == [-2011]


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ({}, -1102),
        ({"orderidlist": [1], "origclientorderidlist": ["one"]}, -1102),
        ({"origclientorderidlist": [f"n{number}" for number in range(11)]}, -1130),
    ],
    ids=["neither", "both", "eleven"],
)
async def test_a_list_of_orders_that_is_none_is_refused(hedged: AsyncClient, listed: dict[str, Any], code: int) -> None:
    with pytest.raises(BinanceAPIException) as refused:
        await hedged.futures_cancel_orders(symbol="BTCUSDT", **listed)
    assert refused.value.code == code


async def test_trades_are_paged_by_id_and_by_time(hedged: AsyncClient, simulator: Simulator) -> None:
    for _ in range(5):
        await hedged.futures_create_order(**order(quantity="0.002"))
    simulator.advance(60)
    await synchronise(hedged)
    await hedged.futures_create_order(**order(quantity="0.002"))

    async def ids(**window: Any) -> list[int]:
        return [trade["id"] for trade in await hedged.futures_account_trades(symbol="BTCUSDT", **window)]

    now = 1735693200000
    assert await ids(limit=2) == [1, 2]  # the oldest
    assert await ids(fromId=3, limit=2) == [3, 4]
    assert await ids(fromId=7) == []
    assert await ids(startTime=now + 1, endTime=now + 60_000) == [6]
    assert await ids(startTime=now - 1000, endTime=now) == [1, 2, 3, 4, 5]
    assert await refusal(ids(fromId=1, startTime=now)) == (-1128, 400)
    assert await refusal(ids(startTime=now, endTime=now + 8 * 86_400_000)) == (-4165, 400)
    assert await hedged.futures_account_trades(symbol="ETHUSDT") == []


async def test_funding_is_paid_and_shown(hedged: AsyncClient, simulator: Simulator) -> None:
    await hedged.futures_create_order(**order())
    await hedged.futures_create_order(**order(side="SELL", positionSide="SHORT", quantity="0.004"))
    simulator.move_to(FUNDED_AT)
    await synchronise(hedged)
    paid = await hedged.futures_income_history(incomeType="FUNDING_FEE")
    assert [(row["symbol"], row["income"], row["time"]) for row in paid] == [
        ("BTCUSDT", "-0.17697000", 1735696800000),
        ("BTCUSDT", "0.07078800", 1735696800000),
    ]  # fmt: skip  -- 58990 × 0.0003 × 0.01 and × 0.004: the mark at that instant opens its hour
    (rate,) = await hedged.futures_funding_rate(symbol="BTCUSDT", startTime=1735693200001, endTime=1735696800000)
    assert (rate["fundingRate"], rate["markPrice"], rate["fundingTime"]) == ("0.00030000", "58990.0", 1735696800000)


async def test_accounts_are_separate(simulator: Simulator, hedged: AsyncClient) -> None:
    assert simulator.open_account("other-key", "other-secret", "500.5") == {"account": "account-2", "wallet_balance": "500.5"}
    async with connected(simulator, "other-key", "other-secret") as other:
        await other.futures_change_position_mode(dualSidePosition="true")
        await other.futures_create_order(**order(quantity="0.002"))
        assert [row["positionAmt"] for row in await other.futures_position_information()] == ["0.002"]
    assert await hedged.futures_position_information() == []
    accounts = simulator.state()["accounts"]
    assert accounts["account-2"]["wallet_balance"] == "500.439988" and accounts["account-1"]["wallet_balance"] == "10000"


# --- the market ----------------------------------------------------------------------------------------------------------------


async def test_exchange_info_lists_the_contracts(trader: AsyncClient) -> None:
    info = await trader.futures_exchange_info()
    assert info["simulator"] == {"market": "recorded candles (5m, 2025-01-01 to 2025-01-02)"}
    symbols = {entry["symbol"]: entry for entry in info["symbols"]}
    filters = {entry["filterType"]: entry for entry in symbols["BTCUSDT"]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.1" and symbols["BTCUSDT"]["pricePrecision"] == 2
    assert (filters["LOT_SIZE"]["stepSize"], filters["LOT_SIZE"]["maxQty"]) == ("0.001", "1000.000")
    assert filters["MARKET_LOT_SIZE"]["maxQty"] == "120.000" and filters["MIN_NOTIONAL"]["notional"] == "50"
    assert filters["PERCENT_PRICE"]["multiplierUp"] == "1.0500" and symbols["DOGEUSDT"]["quantityPrecision"] == 0
    assert {limit["limit"] for limit in info["rateLimits"]} == {2400, 1200, 300}


async def test_klines_reveal_nothing_of_the_future(client: AsyncClient, simulator: Simulator) -> None:
    simulator.move_to(NOW + timedelta(minutes=12))  # inside the dip
    rows = await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=3)
    assert [row[0] for row in rows] == [1735693200000 + 300_000 * i for i in range(3)]
    assert rows[-1][:7] == [1735693800000, "60000.0", "60000.0", "60000.0", "60000.0", "0.000", 1735694099999]
    hour = (await client.futures_klines(symbol="BTCUSDT", interval="1h", limit=1))[0]
    assert hour[:7] == [1735693200000, "60000.0", "60000.0", "60000.0", "60000.0", "20.000", 1735696799999]
    later = {"startTime": 1735693800001, "endTime": 1735776000000}
    assert await client.futures_klines(symbol="BTCUSDT", interval="5m", **later) == []
    simulator.move_to(NOW + timedelta(minutes=15))
    closed = (await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=2))[0]
    assert closed[1:6] == ["60000.0", "60100.0", "58900.0", "59000.0", "40.000"]
    marks = (await client.futures_mark_price_klines(symbol="BTCUSDT", interval="5m", limit=2))[0]
    assert marks[1:6] == ["60000.0", "60050.0", "59000.0", "59000.0", "0.000"]


async def test_klines_by_window(trader: AsyncClient) -> None:
    start = 1735689600000

    async def opens(**window: Any) -> list[int]:
        rows = await trader.futures_klines(symbol="ETHUSDT", interval="5m", **window)
        return [(row[0] - start) // 300_000 for row in rows]

    assert await opens() == list(range(13))
    assert await opens(limit=2) == [11, 12]
    assert await opens(startTime=start + 1, limit=3) == [1, 2, 3]
    assert await opens(endTime=start + 900_000, limit=2) == [2, 3]
    assert await opens(startTime=start + 600_000, endTime=start + 1_200_000) == [2, 3, 4]
    assert await refusal(trader.futures_klines(symbol="ETHUSDT", interval="7m")) == (-1120, 400)
    assert await refusal(trader.futures_klines(symbol="ETHUSDT", interval="1m")) == (-1120, 400)
    assert await refusal(trader.futures_klines(symbol="NOSUCH", interval="5m")) == (-1121, 400)
    assert await refusal(trader.futures_klines(interval="5m")) == (-1102, 400)


async def test_klines_kept_from_one_request_to_the_next_are_those_made_anew(folder: Path) -> None:
    ways: list[list[list[Any]]] = []
    for visits in ([7, 8, 9, 60, 63, 200], []):
        with running_simulator(folder, start=NOW) as running:
            async with connected(running) as client:
                for bar in [*visits, 201]:
                    running.move_to(NOW + BAR * bar + timedelta(seconds=7))
                    limits = [3, 50, 10, 1500, 20] if visits else [30]
                    for limit in limits:
                        await client.futures_klines(symbol="BTCUSDT", interval="15m", limit=limit)
                ways += [await client.futures_klines(symbol="BTCUSDT", interval="15m", limit=n) for n in (30, 40, 1500, 1)]
    assert ways[:4] == ways[4:] and [len(rows) for rows in ways[:4]] == [30, 40, 72, 1]


async def test_prices_and_premium(client: AsyncClient, simulator: Simulator) -> None:
    every = {row["symbol"]: row for row in await client.futures_mark_price()}
    assert every["BTCUSDT"]["markPrice"] == "60000.0" and every["DOGEUSDT"]["markPrice"] == "0.32000"
    assert every["BTCUSDT"]["lastFundingRate"] == "-0.00012345"  # the past one: the next is not known yet
    assert every["BTCUSDT"]["nextFundingTime"] == 1735696800000
    assert (every["ETHUSDT"]["lastFundingRate"], every["ETHUSDT"]["nextFundingTime"]) == ("", 0)
    assert (await client.futures_symbol_ticker(symbol="DOGEUSDT"))["price"] == "0.32000"
    assert len(await client.futures_symbol_ticker()) == 3
    simulator.move_to(NOW + timedelta(minutes=15))
    one = await client.futures_mark_price(symbol="BTCUSDT")
    assert (one["markPrice"], one["time"]) == ("59000.0", 1735694100000)
    assert [row["fundingTime"] for row in await client.futures_funding_rate()] == [1735689600000]


async def test_weights_are_counted(trader: AsyncClient) -> None:
    def used() -> int:
        return int(trader.response.headers["X-MBX-USED-WEIGHT-1M"])

    async def cost(call: Callable[..., Awaitable[Any]], **parameters: Any) -> int:
        before = used()
        await call(**parameters)
        return used() - before

    await trader.futures_ping()
    bars = {"symbol": "BTCUSDT", "interval": "5m"}
    assert [await cost(trader.futures_klines, **bars, limit=n) for n in (99, 100, 499, 500, 1000, 1001)] == [1, 2, 2, 5, 5, 10]
    assert await cost(trader.futures_mark_price) == 10 and await cost(trader.futures_mark_price, symbol="BTCUSDT") == 1
    assert await cost(trader.futures_account, version=3) == 5 and await cost(trader.futures_account_balance) == 5
    assert await cost(trader.futures_position_information) == 5 and await cost(trader.futures_get_position_mode) == 30
    assert await cost(trader.futures_account_trades, symbol="BTCUSDT") == 5 and await cost(trader.futures_income_history) == 30
    assert await cost(trader.futures_commission_rate, symbol="BTCUSDT") == 20
    for conditional in (False, True):
        assert await cost(trader.futures_get_open_orders, conditional=conditional) == 40
        assert await cost(trader.futures_get_open_orders, conditional=conditional, symbol="BTCUSDT") == 1


# --- the simulator's own -------------------------------------------------------------------------------------------------------


def test_the_clock_goes_forward_only(simulator: Simulator) -> None:
    assert simulator.advance(0)["now"] == NOW.isoformat()
    assert simulator.move_to(NOW + timedelta(hours=2))["now"] == (NOW + timedelta(hours=2)).isoformat()
    back = simulator.http.post("/simulator/clock", json={"to": NOW.isoformat()})
    assert back.status_code == 400 and "cannot go back" in back.json()["detail"]
    assert simulator.http.post("/simulator/clock", json={}).status_code == 422
    assert simulator.http.post("/simulator/clock", json={"advance_seconds": -1}).status_code == 422


def test_a_running_clock_carries_the_market_along(folder: Path) -> None:
    with running_simulator(folder, start=NOW, speed=3600.0) as running:
        first = datetime.fromisoformat(running.state()["now"])
        time.sleep(0.1)
        second = datetime.fromisoformat(running.state()["now"])
    assert timedelta(minutes=5) < second - first < timedelta(hours=2)


async def test_a_day_of_real_candles_is_served(marketdata: Path) -> None:
    with running_simulator(marketdata / "5m", start=datetime(2025, 10, 10, tzinfo=UTC)) as running:
        async with connected(running) as client:
            for symbol in running.venue.archive.symbols:
                rows = await client.futures_klines(symbol=symbol, interval="5m", limit=499)
                assert len(rows) == 499 and rows[-1][0] == 1760054400000 and rows[-1][1] == rows[-1][4]
            running.move_to(datetime(2025, 10, 10, 21, 25, tzinfo=UTC))
            crash = (await client.futures_klines(symbol="DOGEUSDT", interval="5m", limit=2))[0]
            assert crash[:6] == [1760131200000, "0.11355", "0.14848", "0.08385", "0.14521", "922573446"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_served_from_the_command_line_it_ends_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    code = "from arena.simulator.app import serve; serve(port=0)"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert (
            line.startswith("simulator ready on http://127.0.0.1:")
            and "(generated market, seed 7); key and secret: simulator simulator" in line
        )
        url = line.split()[3]
        state = httpx.get(f"{url}/simulator/state").json()
        assert state["accounts"]["account-1"]["wallet_balance"] == "600" and len(state["symbols"]) == 6
        assert state["now"].startswith("2025-01-02T17:40:0")  # 500 bars in
        process.send_signal(number)
        assert process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_served_is_said_in_one_sentence(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} cannot be listened on .*give another --port"):
            serve(data=folder, port=port)
    with pytest.raises(
        ConfigurationError, match=r"the start 2024-12-31T00:00:00.* lies outside the candles, which go from 2025-01-01"
    ):
        serve(data=folder, port=0, start=START - timedelta(days=1))
    with pytest.raises(ConfigurationError, match="is not a folder"):
        serve(data=folder / "nowhere", port=0)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
