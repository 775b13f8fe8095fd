"""The simulator's controls and its limits: gaps, deleveraging, the journal, what is counted and what a key may do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from arena.simulator.limits import Meter
from scripts.processes import free_port
from tests.contract.test_simulator_binance import NOW, limit, order, refusal, stop, write_market
from tests.fakes.candles import BAR, START, flat, write_candles
from tests.fakes.simulator import KEY, Simulator, connected, running_simulator, synchronise

ROOT = Path(__file__).resolve().parents[2]
D = Decimal


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with running_simulator(write_market(tmp_path / "5m"), start=NOW) as running:
        running.venue.engine.account("account-1").dual_side = True
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncClient]:
    async with connected(simulator) as client:
        yield client


# --- jumps ---------------------------------------------------------------------------------------------------------------------


async def test_a_stop_gaps_through_a_jump_and_all_prices_agree(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**order())
    await client.futures_create_order(**stop())  # at 59500
    simulator.advance(60)
    assert simulator.jump("BTCUSDT", -40) == {
        "symbol": "BTCUSDT",
        "percent": "-40",
        "from": (NOW + BAR).isoformat(),
    }
    await synchronise(client)
    assert (await client.futures_mark_price(symbol="BTCUSDT"))["markPrice"] == "60000.0"
    simulator.advance(240)
    await synchronise(client)
    assert (await client.futures_symbol_ticker(symbol="BTCUSDT"))["price"] == "36000.0"
    assert (await client.futures_mark_price(symbol="BTCUSDT"))["markPrice"] == "36000.0"
    simulator.advance(600)  # the stop trades in the bar that opened with the gap
    await synchronise(client)
    done = await client.futures_get_algo_order(clientAlgoId="abc123-7-A-BTCUSDT-s")
    assert (done["algoStatus"], done["actualPrice"]) == ("FINISHED", "35992.8")  # 36000 less two bps of slippage
    rows = await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=4)
    assert [row[1:5] for row in rows[:3]] == [
        ["60000.0"] * 4,
        ["36000.0"] * 4,
        ["36000.0", "36060.0", "35340.0", "35400.0"],
    ]
    marks = await client.futures_mark_price_klines(symbol="BTCUSDT", interval="5m", limit=2)
    assert marks[0][1:5] == ["36000.0", "36030.0", "35400.0", "35400.0"]
    hour = (await client.futures_klines(symbol="BTCUSDT", interval="1h", limit=1))[0]
    assert hour[1:5] == ["60000.0", "60000.0", "35340.0", "35400.0"]
    assert (await client.futures_symbol_ticker(symbol="ETHUSDT"))["price"] == "3000.00"


async def test_a_short_gains_by_a_jump_and_a_long_is_liquidated(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**order(quantity="1"))
    simulator.jump("BTCUSDT", -40)
    simulator.advance(600)
    account = simulator.state()["accounts"]["account-1"]
    assert (account["positions"], account["wallet_balance"]) == ({}, "0")
    assert simulator.journal()["account-1"]["income"][-1]["kind"] == "INSURANCE_CLEAR"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"symbol": "NOSUCH", "percent": 5}, 400, "there is no symbol NOSUCH; there are BTCUSDT, DOGEUSDT, ETHUSDT"),
        ({"symbol": "BTCUSDT", "percent": -100}, 422, "greater than -100"),
        ({"symbol": "BTCUSDT"}, 422, "Field required"),
    ],
)
def test_what_is_no_jump(simulator: Simulator, body: dict[str, Any], status: int, said: str) -> None:
    answer = simulator.http.post("/simulator/jump", json=body)
    assert answer.status_code == status and said in answer.text


# --- auto-deleveraging ---------------------------------------------------------------------------------------------------------


async def test_a_position_is_deleveraged(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**order())
    wanted = {"key": KEY, "symbol": "BTCUSDT", "side": "LONG", "quantity": "0.004"}
    answer = simulator.http.post("/simulator/adl", json=wanted).raise_for_status().json()
    assert (answer["price"], answer["quantity"]) == ("60000", "0.004")
    (position,) = await client.futures_position_information()
    assert position["positionAmt"] == "0.006"
    trade = (await client.futures_account_trades(symbol="BTCUSDT"))[-1]
    assert (trade["price"], trade["qty"], trade["commission"], trade["realizedPnl"]) == (
        "60000.0",
        "0.004",
        "0.12000000",
        "-0.04800000",
    )
    asked = await client.futures_get_order(symbol="BTCUSDT", orderId=trade["orderId"])
    assert (asked["clientOrderId"], asked["side"], asked["status"]) == ("adl_autoclose", "SELL", "FILLED")
    for changes, said in (
        ({"quantity": "0.007"}, "BTCUSDT LONG holds 0.006, 0.007 cannot be closed"),
        ({"side": "SHORT"}, "BTCUSDT SHORT holds 0, 0.004 cannot be closed"),
        ({"key": "nobody"}, "no account has the key nobody"),
        ({"symbol": "NOSUCH"}, "NOSUCH is not listed"),
    ):
        refused = simulator.http.post("/simulator/adl", json=wanted | changes)
        assert (refused.status_code, refused.json()) == (400, {"detail": said})


# --- the journal ---------------------------------------------------------------------------------------------------------------


async def test_the_journal_has_everything_exactly(simulator: Simulator, client: AsyncClient) -> None:
    simulator.strike({"kind": "partial", "share": 0.5, "times": 1})
    await client.futures_create_order(**order(newClientOrderId="web_x"))
    await client.futures_create_order(**limit(newClientOrderId="low", price="58000.0"))
    await client.futures_create_order(**stop(quantity="0.005"))
    simulator.advance(900)
    assert simulator.http.get("/simulator/journal").json()["now"] == (NOW + timedelta(minutes=15)).isoformat()
    journal = simulator.journal()["account-1"]
    placed, touched = NOW.isoformat(), (NOW + timedelta(minutes=15, milliseconds=-1)).isoformat()
    common = {"symbol": "BTCUSDT", "side": "BUY", "position_side": "LONG", "quantity": "0.01", "created": placed}
    market = {"order_id": 1, "client_id": "web_x", "type": "MARKET", "executed": "0.005", "status": "EXPIRED"}
    resting = {"order_id": 2, "client_id": "low", "type": "LIMIT", "executed": "0", "status": "NEW"}
    closed = {"order_id": 4, "client_id": "abc123-7-A-BTCUSDT-s", "executed": "0.005", "quantity": "0.005", "side": "SELL"}
    assert journal["orders"] == [
        common | market | {"updated": placed},
        common | resting | {"updated": placed},
        common | closed | {"type": "MARKET", "status": "FILLED", "created": touched, "updated": touched},
    ]
    assert journal["conditionals"] == [
        common
        | closed
        | {"order_id": 3, "type": "STOP_MARKET", "status": "FINISHED", "updated": touched}
        | {"trigger_price": "59500", "child_id": 4}
    ]
    assert journal["keys"] == [KEY]
    assert [(t["id"], t["order_id"], t["quantity"], t["price"], t["fee"]) for t in journal["trades"]] == [
        (1, 1, "0.003", "60012", "0.090018"),
        (2, 1, "0.002", "60012.1", "0.0600121"),
        (3, 4, "0.005", "59488.1", "0.14872025"),
    ]
    last = journal["trades"][-1]
    assert (last["client_id"], last["side"], last["position_side"], last["time"]) == (
        "abc123-7-A-BTCUSDT-s",
        "SELL",
        "LONG",
        touched,
    )
    assert D(last["realized_pnl"]) == D("0.005") * D("59488.1") - D("0.003") * D("60012") - D("0.002") * D("60012.1")
    assert journal["income"][0] == {"kind": "TRANSFER", "symbol": "", "amount": "10000", "time": placed}
    wallet = simulator.state()["accounts"]["account-1"]["wallet_balance"]
    assert sum(D(entry["amount"]) for entry in journal["income"]) == D(wallet)


# --- limits --------------------------------------------------------------------------------------------------------------------


async def test_too_much_weight_in_a_simulated_minute(simulator: Simulator, client: AsyncClient) -> None:
    simulator.advance(15)
    await synchronise(client)  # weighs 1, as did the one before
    for _ in range(79):
        await client.futures_get_position_mode()  # weighs 30
    await client.futures_ping()
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_get_position_mode()
    assert (caught.value.code, caught.value.status_code) == (-1003, 429)
    assert caught.value.response.headers["Retry-After"] == "45"
    assert await refusal(client.futures_create_order(**order())) == (-1003, 429)
    assert simulator.journal()["account-1"]["orders"] == []
    simulator.advance(45)
    await client.futures_ping()


async def test_the_limits_can_be_reset_where_the_clock_stands(simulator: Simulator, client: AsyncClient) -> None:
    for _ in range(79):
        await client.futures_get_position_mode()
    assert await refusal(client.futures_get_position_mode()) == (-1003, 429)
    assert await refusal(client.futures_ping()) == (-1003, 429)
    simulator.http.delete("/simulator/limits").raise_for_status()
    await client.futures_ping()


async def test_too_many_orders_in_ten_seconds(simulator: Simulator, client: AsyncClient) -> None:
    simulator.open_account("other-key", "other-secret", "500")
    counts = ("X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1M")
    await client.futures_create_order(**order())
    assert [client.response.headers[name] for name in counts] == ["1", "1"]
    for _ in range(299):
        with pytest.raises(BinanceAPIException):
            await client.futures_create_order(**stop(triggerPrice="60000.0"))
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_create_order(**order())
    assert (caught.value.code, caught.value.status_code) == (-1015, 429)
    assert caught.value.message == "Too many new orders; current limit is 300 orders per TEN_SECONDS."
    assert caught.value.response.headers["Retry-After"] == "10"
    assert len(simulator.journal()["account-1"]["orders"]) == 1
    async with connected(simulator, "other-key", "other-secret") as other:  # orders are counted by account
        await other.futures_change_position_mode(dualSidePosition="true")
        await other.futures_create_order(**order(quantity="0.002"))
    simulator.advance(10)
    await synchronise(client)
    await client.futures_create_order(**order())
    assert [client.response.headers[name] for name in counts] == ["1", "302"]


def test_a_window_begins_with_every_multiple_of_its_length() -> None:
    meter = Meter(10, timedelta(minutes=1))
    meter.add(10, NOW + timedelta(seconds=59))
    assert not meter.exceeded and meter.seconds_left(NOW + timedelta(seconds=59.5)) == 1
    meter.add(1, NOW + timedelta(seconds=59.9))
    assert meter.exceeded and meter.used == 11
    meter.add(3, NOW + timedelta(seconds=60))
    assert not meter.exceeded and meter.used == 3 and meter.seconds_left(NOW + timedelta(seconds=60)) == 60


async def test_an_accelerated_clock_counts_its_own_minutes(tmp_path: Path) -> None:
    write_candles(tmp_path / "5m", "BTCUSDT", flat("60000", 2000))
    with running_simulator(tmp_path / "5m", start=START, speed=6000.0) as running:
        async with connected(running) as client:
            for _ in range(90):
                await client.futures_get_position_mode()
        assert running.state()["requests"]["GET /fapi/v1/positionSide/dual"] == {"count": 90, "weight": 2700}


async def test_the_state_counts_the_requests(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=499)
    await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=1000)
    await client.futures_create_order(**order())
    simulator.strike({"kind": "unavailable"})
    assert await refusal(client.futures_get_open_orders()) == (0, 503)
    assert simulator.state()["requests"] == {
        "GET /fapi/v1/time": {"count": 1, "weight": 1},
        "GET /fapi/v1/klines": {"count": 2, "weight": 7},
        "POST /fapi/v1/order": {"count": 1, "weight": 0},
        "GET /fapi/v1/openOrders": {"count": 1, "weight": 40},
    }


# --- accounts ------------------------------------------------------------------------------------------------------------------


async def test_what_a_key_may_do(simulator: Simulator, client: AsyncClient) -> None:
    mine = await client.get_account_api_permissions()
    assert mine["enableFutures"] and mine["enableReading"] and mine["createTime"] == 1735693200000
    assert not any(mine[name] for name in ("enableWithdrawals", "permitsUniversalTransfer", "enableSpotAndMarginTrading"))
    rich = {"key": "rich", "secret": "rich", "balance": "5", "withdrawals": True}
    simulator.http.post("/simulator/accounts", json=rich).raise_for_status()
    async with connected(simulator, "rich", "rich") as other:
        assert (await other.get_account_api_permissions())["enableWithdrawals"] is True
    async with connected(simulator, KEY, "wrong") as other:
        assert await refusal(other.get_account_api_permissions()) == (-1022, 400)


def test_the_command_opens_an_account_a_competitor_and_reads_the_fault_rules(tmp_path: Path) -> None:
    write_candles(tmp_path / "5m", "BTCUSDT", flat("60000", 20))
    (tmp_path / "faults.json").write_text('{"seed": 9, "rules": [{"kind": "unavailable", "path": "/fapi/v1/time"}]}')
    options = ["--data", str(tmp_path / "5m"), "--competitors", "2", "--balance", "200", "--port", str(free_port())]
    command = [sys.executable, "-m", "arena.cli", "simulator", *options, "--faults", str(tmp_path / "faults.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.endswith("key and secret: simulator simulator, simulator-A simulator-A, simulator-B simulator-B")
            url = line.split()[3]
            accounts = httpx.get(f"{url}/simulator/state").json()["accounts"]
            assert [account["wallet_balance"] for account in accounts.values()] == ["200", "200", "200"]
            assert httpx.get(f"{url}/fapi/v1/time").status_code == 503
            assert httpx.get(f"{url}/simulator/faults").json()["rules"][0]["fired"] == 1
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
