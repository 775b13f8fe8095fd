"""Every bad day that the simulator can have, as python-binance lives through it over real HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.exchange import BinanceExchange
from arena.domain.order import OrderStatus
from tests.contract.test_simulator_binance import NOW, limit, order, refusal, stop, write_market
from tests.fakes.rig import make
from tests.fakes.simulator import KEY, SECRET, Simulator, connected, running_simulator, synchronise

PATIENCE = 0.5  # seconds the hasty client waits for an answer
MINE = "abc123-7-A-BTCUSDT-o"
STOP = "abc123-7-A-BTCUSDT-s"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with running_simulator(write_market(tmp_path / "5m"), start=NOW) as running:
        running.venue.engine.account("account-1").dual_side = True
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncClient]:
    async with connected(simulator) as client:
        yield client


@pytest.fixture
async def hasty(simulator: Simulator) -> AsyncIterator[AsyncClient]:
    async with connected(simulator, patience=PATIENCE) as client:
        yield client


async def failure(answer: Awaitable[Any]) -> object:
    """Return code and status of an error, or the name of what broke the connection."""
    try:
        await answer
    except BinanceAPIException as error:
        return error.code, error.status_code
    except TimeoutError:
        return "silence"
    except aiohttp.ClientError:
        return "cut off"
    return "answered"


async def soon(happened: Callable[[], bool]) -> None:
    for _ in range(100):
        if happened():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen")


def landed(simulator: Simulator, kind: str = "orders") -> list[str]:
    """Return the client ids of what the venue has taken, whatever it told."""
    return [row["client_id"] for row in simulator.journal()["account-1"][kind]]


def held(simulator: Simulator) -> Any:
    return simulator.state()["accounts"]["account-1"]["positions"]


# --- execution unknown ---------------------------------------------------------------------------------------------------------

UNCERTAIN: dict[str, tuple[dict[str, Any], object]] = {
    "timeout": ({"seconds": 5}, "silence"),
    "drop": ({}, "cut off"),
    "unknown": ({}, (0, 503)),
    "no_response": ({}, (-1007, 408)),
}


@pytest.mark.parametrize("kind", UNCERTAIN)
@pytest.mark.parametrize("lands", [True, False])
async def test_an_order_whose_fate_nobody_is_told(
    simulator: Simulator, client: AsyncClient, hasty: AsyncClient, kind: str, lands: bool
) -> None:
    parameters, seen = UNCERTAIN[kind]
    simulator.strike({"kind": kind, "method": "POST", "landed": lands, "times": 2, **parameters})
    assert await failure(hasty.futures_create_order(**order(newClientOrderId=MINE))) == seen
    assert await failure(hasty.futures_create_order(**stop(clientAlgoId=STOP))) == seen
    assert landed(simulator) == ([MINE] if lands else []) and landed(simulator, "conditionals") == ([STOP] if lands else [])
    assert held(simulator) == ({"BTCUSDT": {"LONG": "0.01"}} if lands else {})
    assert simulator.fired() == [2]
    asked = client.futures_get_order(symbol="BTCUSDT", origClientOrderId=MINE)
    assert await failure(asked) == ("answered" if lands else (-2013, 400))
    again = client.futures_create_order(**stop(clientAlgoId=STOP))
    assert await failure(again) == ((-4116, 400) if lands else "answered")


async def test_the_hang_of_a_timeout_ends_in_a_cut_connection(simulator: Simulator) -> None:
    simulator.strike({"kind": "timeout", "seconds": 0.3, "times": 1})
    begun = time.monotonic()
    assert await raw_answer(simulator) == b""
    assert time.monotonic() - begun > 0.25
    assert (await raw_answer(simulator)).startswith(b"HTTP/1.1 200 OK")


async def test_a_hanging_request_does_not_hold_the_simulator_up(tmp_path: Path) -> None:
    with running_simulator(write_market(tmp_path / "5m"), start=NOW) as simulator:
        simulator.strike({"kind": "timeout", "seconds": 60})
        answer = asyncio.create_task(raw_answer(simulator))
        await soon(lambda: simulator.fired() == [1])
    assert await answer == b""  # cut, where one that uvicorn had to cancel gets an error page


async def test_a_dropped_connection_carries_not_one_byte(simulator: Simulator) -> None:
    simulator.strike({"kind": "drop", "times": 1})
    assert await raw_answer(simulator) == b""
    assert (await raw_answer(simulator)).startswith(b"HTTP/1.1 200 OK")


async def raw_answer(simulator: Simulator, path: str = "/fapi/v1/ping") -> bytes:
    """Return all bytes that come back on a connection of its own."""
    host, port = simulator.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_cancellation_that_landed_unseen_is_gone(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**stop(clientAlgoId=STOP))
    simulator.strike({"kind": "unknown", "method": "DELETE", "landed": True, "times": 1})
    cancel = {"symbol": "BTCUSDT", "clientAlgoId": STOP}
    assert await failure(client.futures_cancel_order(**cancel)) == (0, 503)
    assert await failure(client.futures_cancel_order(**cancel)) == (-2011, 400)
    assert [row["status"] for row in simulator.journal()["account-1"]["conditionals"]] == ["CANCELED"]


async def test_the_client_itself_repeats_what_may_be_repeated(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**stop(clientAlgoId=STOP))
    simulator.strike(
        {"kind": "drop", "method": "GET", "times": 1}, {"kind": "drop", "method": "DELETE", "landed": True, "times": 1}
    )
    assert await failure(client.futures_ping()) == "answered"
    assert await failure(client.futures_cancel_order(symbol="BTCUSDT", clientAlgoId=STOP)) == (-2011, 400)
    assert simulator.fired() == [1, 1]
    assert [row["status"] for row in simulator.journal()["account-1"]["conditionals"]] == ["CANCELED"]


async def test_the_real_adapter_finds_an_order_that_landed_and_shows_late(tmp_path: Path) -> None:
    with running_simulator(write_market(tmp_path / "5m"), start=NOW, speed=1.0) as simulator:
        simulator.venue.engine.account("account-1").dual_side = True
        wire = FuturesClient(simulator.url, KEY, SECRET)
        await wire.synchronise()
        simulator.strike({"kind": "unknown", "path": "/fapi/v1/order", "landed": True, "hidden_seconds": 0.3, "times": 1})
        pauses = (0.1, 0.1, 0.1, 0.1, 0.1)
        outcome = await BinanceExchange(wire, lookup_pauses=pauses).place(make("BUY LONG 0.01 BTCUSDT", MINE))
        await wire.close()
        assert outcome.status is OrderStatus.FILLED and landed(simulator) == [MINE]


# --- certainly not executed ----------------------------------------------------------------------------------------------------

CERTAIN: dict[str, tuple[dict[str, Any], tuple[int, int], str]] = {
    "rate_limited": ({"retry_after": 7}, (-1003, 429), "Too many requests"),
    "unavailable": ({}, (0, 503), "Service Unavailable."),
    "internal": ({}, (0, 503), "Internal error; unable to process your request. Please try again."),
    "overloaded": ({}, (-1008, 503), "Server is currently overloaded"),
    "margin": ({}, (-2019, 400), "Margin is insufficient."),
}


@pytest.mark.parametrize("kind", CERTAIN)
async def test_an_order_that_was_certainly_not_executed(simulator: Simulator, client: AsyncClient, kind: str) -> None:
    parameters, seen, words = CERTAIN[kind]
    simulator.strike({"kind": kind, "path": "/fapi/v1/order", "times": 1, **parameters})
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_create_order(**order())
    assert (caught.value.code, caught.value.status_code) == seen and caught.value.message.startswith(words)
    assert caught.value.response.headers.get("Retry-After") == ("7" if kind == "rate_limited" else None)
    assert landed(simulator) == [] and held(simulator) == {}
    await client.futures_create_order(**order())


async def test_closing_needs_no_margin(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**order())
    simulator.strike({"kind": "margin"})
    assert await refusal(client.futures_create_order(**order())) == (-2019, 400)
    await client.futures_create_order(**stop())
    await client.futures_create_order(**order(side="SELL"))
    assert (held(simulator), simulator.fired()) == ({}, [1])


@pytest.mark.parametrize(("parameters", "code"), [({}, -2021), ({"code": -4045}, -4045), ({"code": -9999}, -9999)])
async def test_a_stop_is_rejected(simulator: Simulator, client: AsyncClient, parameters: dict[str, int], code: int) -> None:
    simulator.strike({"kind": "stop_rejected", "times": 1, **parameters})
    await client.futures_create_order(**order())
    assert await refusal(client.futures_create_order(**stop())) == (code, 400)
    assert landed(simulator, "conditionals") == []
    await client.futures_create_order(**stop())


# --- what lasts ----------------------------------------------------------------------------------------------------------------


async def test_a_ban_meets_everybody_until_its_simulated_time_is_over(simulator: Simulator, client: AsyncClient) -> None:
    simulator.open_account("other-key", "other-secret", "500")
    simulator.strike({"kind": "banned", "retry_after": 120, "path": "/fapi/v1/klines", "times": 1})
    await client.futures_ping()
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_klines(symbol="BTCUSDT", interval="5m")
    assert (caught.value.code, caught.value.status_code) == (-1003, 418)
    assert f"IP banned until {1735693200000 + 120_000}." in caught.value.message
    assert caught.value.response.headers["Retry-After"] == "120"
    simulator.advance(100)
    assert await refusal(client.futures_create_order(**order())) == (-1003, 418)
    async with httpx.AsyncClient(base_url=simulator.url) as http:
        other = await http.get("/fapi/v3/balance", headers={"X-MBX-APIKEY": "other-key"})
    assert (other.status_code, other.headers["Retry-After"]) == (418, "20")
    simulator.advance(20)
    await synchronise(client)
    assert landed(simulator) == [] and simulator.fired() == [1]


async def test_a_restart_drops_everything_and_forgets_nothing(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**order())
    simulator.strike({"kind": "restart", "seconds": 60, "method": "POST", "times": 1})
    assert await failure(client.futures_create_order(**order())) == "cut off"
    for _ in range(2):
        assert await failure(client.futures_time()) == "cut off"
        assert await raw_answer(simulator) == b""
    assert held(simulator) == {"BTCUSDT": {"LONG": "0.01"}}  # the controls answer, and the struck order has not landed
    simulator.advance(60)
    await synchronise(client)
    (position,) = await client.futures_position_information()
    assert position["positionAmt"] == "0.010"


async def test_a_clock_is_off_until_that_client_asks_for_the_time(simulator: Simulator, client: AsyncClient) -> None:
    simulator.open_account("other-key", "other-secret", "500")
    simulator.strike({"kind": "clock", "key": KEY, "times": 1})
    async with connected(simulator, "other-key", "other-secret") as other:
        await client.futures_ping()  # not signed
        assert await refusal(client.futures_create_order(**order())) == (-1021, 400)
        await other.futures_time()
        assert await refusal(client.futures_account_balance()) == (-1021, 400)
        assert len(await other.futures_account_balance()) == 1
        await synchronise(client)
        await client.futures_create_order(**order())
    assert len(landed(simulator)) == 1


async def test_latency_adds_to_another_fault(simulator: Simulator, client: AsyncClient) -> None:
    simulator.strike(
        {"kind": "latency", "seconds": 0.1, "path": "/fapi/v1/ping"},
        {"kind": "latency", "seconds": 0.15, "path": "/fapi/v1/ping", "times": 1},
        {"kind": "unavailable", "path": "/fapi/v1/ping", "times": 1},
        {"kind": "internal", "path": "/fapi/v1/ping", "times": 1},
    )
    begun = time.monotonic()
    assert await failure(client.futures_ping()) == (0, 503)
    assert time.monotonic() - begun >= 0.25
    assert simulator.fired() == [1, 1, 1, 0]  # one fault a request


async def test_an_order_later_than_its_clients_patience_lands_all_the_same(simulator: Simulator, hasty: AsyncClient) -> None:
    simulator.strike({"kind": "latency", "seconds": PATIENCE + 1, "times": 1, "method": "POST"})
    assert await failure(hasty.futures_create_order(**order(newClientOrderId=MINE))) == "silence"
    assert landed(simulator) == []
    await soon(lambda: landed(simulator) == [MINE])


# --- partial fills -------------------------------------------------------------------------------------------------------------


async def test_a_market_order_trades_in_part(simulator: Simulator, client: AsyncClient) -> None:
    simulator.strike({"kind": "partial", "share": 0.57, "times": 1})
    answer = await client.futures_create_order(**order(newClientOrderId=MINE))
    assert (answer["status"], answer["origQty"], answer["executedQty"]) == ("EXPIRED", "0.010", "0.005")
    asked = await client.futures_get_order(symbol="BTCUSDT", origClientOrderId=MINE)
    assert (asked["status"], asked["avgPrice"], asked["cumQuote"]) == ("EXPIRED", "60012.04000", "300.0602")
    first, second = await client.futures_account_trades(symbol="BTCUSDT", orderId=asked["orderId"])
    assert [(t["qty"], t["price"], t["commission"]) for t in (first, second)] == [
        ("0.003", "60012.0", "0.09001800"),
        ("0.002", "60012.1", "0.06001210"),
    ]
    assert held(simulator) == {"BTCUSDT": {"LONG": "0.005"}}
    assert await client.futures_get_open_orders() == []
    await client.futures_create_order(**order(side="SELL", quantity="0.005"))  # the rule is used up
    assert held(simulator) == {}


async def test_a_partial_fill_is_at_least_one_step_and_strikes_market_orders_only(
    simulator: Simulator, client: AsyncClient
) -> None:
    simulator.strike({"kind": "partial", "share": 0.01})
    await client.futures_create_order(**limit(price="60050.0"))
    assert held(simulator) == {"BTCUSDT": {"LONG": "0.01"}}
    closed = await client.futures_create_order(**order(side="SELL"))
    assert (closed["status"], closed["executedQty"]) == ("EXPIRED", "0.001")
    assert simulator.fired() == [1]
    acknowledged = await client.futures_create_order(**order(newOrderRespType="ACK"))
    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0.000")


# --- orders that are not shown -------------------------------------------------------------------------------------------------


async def test_an_invisible_order_moves_the_account_and_shows_nowhere(simulator: Simulator, client: AsyncClient) -> None:
    simulator.strike({"kind": "invisible", "seconds": 3})
    answer = await client.futures_create_order(**order(newClientOrderId=MINE))
    assert answer["status"] == "FILLED"
    named = {"symbol": "BTCUSDT", "origClientOrderId": MINE}
    assert await refusal(client.futures_get_order(**named)) == (-2013, 400)
    assert await client.futures_get_all_orders(symbol="BTCUSDT") == []
    assert await client.futures_account_trades(symbol="BTCUSDT") == []
    assert [row["positionAmt"] for row in await client.futures_position_information()] == ["0.010"]
    assert (await client.futures_account_balance())[0]["balance"] == "9999.69994000"
    simulator.advance(2.9)
    await synchronise(client)
    assert await refusal(client.futures_get_order(**named)) == (-2013, 400)
    simulator.advance(0.1)
    assert (await client.futures_get_order(**named))["status"] == "FILLED"
    assert len(await client.futures_account_trades(symbol="BTCUSDT")) == 1


async def test_an_invisible_open_order_holds_its_id_and_can_be_cancelled(simulator: Simulator, client: AsyncClient) -> None:
    simulator.strike({"kind": "invisible", "seconds": 60, "times": 2})
    await client.futures_create_order(**limit(newClientOrderId=MINE))
    await client.futures_create_order(**stop(clientAlgoId=STOP))
    assert await client.futures_get_open_orders() == [] and await client.futures_get_open_orders(conditional=True) == []
    assert await client.futures_get_all_algo_orders(symbol="BTCUSDT") == []
    assert await refusal(client.futures_get_algo_order(clientAlgoId=STOP)) == (-2013, 400)
    assert await refusal(client.futures_create_order(**limit(newClientOrderId=MINE))) == (-4116, 400)
    assert await refusal(client.futures_create_order(**stop(clientAlgoId=STOP))) == (-4116, 400)
    cancelled = await client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId=MINE)
    assert cancelled["status"] == "CANCELED"
    assert await refusal(client.futures_cancel_order(symbol="BTCUSDT", origClientOrderId=MINE)) == (-2011, 400)
    await client.futures_create_order(**limit(newClientOrderId=MINE))  # the id is free again
    assert (await client.futures_get_order(symbol="BTCUSDT", origClientOrderId=MINE))["status"] == "NEW"
    assert (await client.futures_cancel_algo_order(clientAlgoId=STOP))["code"] == "200"


async def test_what_an_invisible_stop_became_is_invisible_too(simulator: Simulator, client: AsyncClient) -> None:
    await client.futures_create_order(**order(newClientOrderId=MINE))
    simulator.strike({"kind": "invisible", "seconds": 1000, "type": "STOP_MARKET"})
    await client.futures_create_order(**stop(clientAlgoId=STOP))
    simulator.advance(900)  # through the dip
    await synchronise(client)
    assert held(simulator) == {} and landed(simulator) == [MINE, STOP]
    assert [row["clientOrderId"] for row in await client.futures_get_all_orders(symbol="BTCUSDT")] == [MINE]
    assert len(await client.futures_account_trades(symbol="BTCUSDT")) == 1
    simulator.advance(100)
    await synchronise(client)
    assert (await client.futures_get_order(symbol="BTCUSDT", origClientOrderId=STOP))["status"] == "FILLED"


async def test_a_finished_id_is_free_and_names_the_newest_order(client: AsyncClient) -> None:
    for side in ("BUY", "SELL", "BUY"):
        await client.futures_create_order(**order(newClientOrderId=MINE, side=side))
    asked = await client.futures_get_order(symbol="BTCUSDT", origClientOrderId=MINE)
    orders = await client.futures_get_all_orders(symbol="BTCUSDT")
    assert [row["clientOrderId"] for row in orders] == [MINE] * 3 and asked["orderId"] == orders[-1]["orderId"]


# --- the rules themselves ------------------------------------------------------------------------------------------------------


async def test_the_same_seed_and_the_same_requests_meet_the_same_faults(simulator: Simulator, client: AsyncClient) -> None:
    rules = (
        {"kind": "unavailable", "path": "/fapi/v1/ping", "probability": 0.3},
        {"kind": "rate_limited", "retry_after": 1, "probability": 0.3},
    )

    async def day(seed: int) -> list[object]:
        simulator.strike(*rules, seed=seed)
        return [await failure(client.futures_ping()) for _ in range(40)]

    first = await day(1)
    assert await day(1) == first and await day(2) != first
    assert set(first) == {"answered", (0, 503), (-1003, 429)}


def test_rules_are_shown_with_how_often_they_fired_and_cleared_with_what_they_began(simulator: Simulator) -> None:
    rule = {"kind": "restart", "seconds": 60, "method": "GET", "times": 3}
    simulator.strike(rule, seed=5)
    with pytest.raises(httpx.RemoteProtocolError):
        simulator.http.get("/fapi/v1/ping")
    shown = simulator.http.get("/simulator/faults").json()
    assert shown == {"seed": 5, "rules": [{**rule, "seconds": 60.0, "fired": 1}]}
    simulator.strike()
    with pytest.raises(httpx.RemoteProtocolError):
        simulator.http.get("/fapi/v1/ping")  # other rules do not end what goes on
    assert simulator.http.delete("/simulator/faults").json() == {"seed": 0, "rules": []}
    assert simulator.http.get("/fapi/v1/ping").json() == {}


def test_a_wrong_rule_is_refused_and_the_old_ones_stay(simulator: Simulator) -> None:
    simulator.strike({"kind": "unavailable", "path": "/fapi/v1/nothing"})
    answer = simulator.http.post("/simulator/faults", json={"seed": 1, "rules": [{"kind": "latency"}]})
    assert answer.status_code == 422 and "a rule of kind latency needs seconds" in answer.text
    assert simulator.fired() == [0]


async def test_neither_the_controls_nor_the_models_are_struck(simulator: Simulator) -> None:
    simulator.strike({"kind": "drop"})
    assert simulator.state()["now"] == NOW.isoformat()
    assert simulator.http.get("/v1/models", headers={"x-api-key": "any"}).status_code == 200
    assert await raw_answer(simulator, "/sapi/v1/account/apiRestrictions") == b""


async def test_a_rule_can_make_a_price_jump(simulator: Simulator, client: AsyncClient) -> None:
    simulator.strike({"kind": "jump", "percent": 10, "symbol": "ETHUSDT", "path": "/fapi/v1/klines", "times": 1})
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await client.futures_klines(symbol=symbol, interval="5m", limit=2)
    simulator.move_to(NOW + timedelta(minutes=10))
    prices = {row["symbol"]: row["price"] for row in await client.futures_symbol_ticker()}
    assert (prices["BTCUSDT"], prices["ETHUSDT"], simulator.fired()) == ("60000.0", "3300.00", [1])
