"""What Binance's adapter makes of Binance's bad days, over real HTTP with python-binance."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from arena.adapters.binance import client as client_module
from arena.adapters.binance.client import RECV_WINDOW_MS, FuturesClient, VenueRefusal
from arena.adapters.binance.exchange import LOOKUP_PAUSES, BinanceExchange
from arena.adapters.binance.limits import RequestBudget
from arena.domain.order import Leg, Order, OrderOutcome, OrderStatus
from arena.errors import ConfigurationError, ExchangeUnavailable, ExecutionUnknown, RateLimited
from tests.contract.test_exchange import order

SECRET = "very-secret"


class Scripted:
    """Answers POST /order (and algoOrder) from a script, and knows which orders have landed."""

    def __init__(self, server: HTTPServer) -> None:
        self.script: list[Any] = []
        self.sent: list[str] = []
        self.landed: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.lands = True
        server.expect_request("/fapi/v1/time").respond_with_handler(self._time)
        server.expect_request("/fapi/v1/order", method="POST").respond_with_handler(self._post)
        server.expect_request("/fapi/v1/algoOrder", method="POST").respond_with_handler(self._post)
        server.expect_request("/fapi/v1/order", method="GET").respond_with_handler(self._get)
        server.expect_request("/fapi/v1/openAlgoOrders", method="GET").respond_with_handler(self._open)

    def _time(self, _: Request) -> Response:
        return _json({"serverTime": int(time.time() * 1000)})

    def _post(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        name = form.get("newClientOrderId") or form["clientAlgoId"]
        self.sent.append(name)
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Response):
            return step
        if self.lands or step is None:
            filled = {"orderId": 7, "clientOrderId": name, "status": "FILLED", "executedQty": form["quantity"]}
            self.landed[name] = _algo_row(form) if "clientAlgoId" in form else filled
        if step == "silence":
            time.sleep(0.5)  # longer than the client waits
            return _json(self.landed.get(name, {}))
        if isinstance(step, tuple):
            status, body = step
            return Response(body if isinstance(body, str) else json.dumps(body), status=status, content_type="application/json")
        return _json(self.landed[name])

    def _get(self, request: Request) -> Response:
        name = request.args.get("origClientOrderId", "")
        self.asked.append(name)
        return _json(self.landed[name]) if name in self.landed else _json({"code": -2013, "msg": "Order does not exist."}, 400)

    def _open(self, request: Request) -> Response:
        self.asked.append(request.args["symbol"])
        return _json([row for row in self.landed.values() if "algoId" in row])


def _algo_row(form: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"algoId": 9, "orderType": form["type"], "algoStatus": "NEW"}
    return row | {name: form[name] for name in ("clientAlgoId", "symbol", "positionSide", "quantity", "triggerPrice")}


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


@pytest.fixture
def venue(httpserver: HTTPServer) -> Scripted:
    return Scripted(httpserver)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(client_module, "TIMEOUT_SECONDS", 0.4)
    monkeypatch.setattr(client_module, "READ_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(client_module, "_PAUSES", (0.05, 0.05))
    yield


@pytest.fixture
async def client(httpserver: HTTPServer) -> AsyncIterator[FuturesClient]:
    made = FuturesClient(httpserver.url_for("").rstrip("/"), "key", SECRET, key_name="BINANCE_TESTNET_API_KEY")
    yield made
    await made.close()


async def placed(client: FuturesClient, wanted: Order) -> OrderOutcome:
    return await BinanceExchange(client, lookup_pauses=(0.01, 0.01), conditional_lookup_pauses=(0.01, 0.01)).place(wanted)


UNKNOWN = {
    "timeout": "silence",
    "-1007": (408, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
    "503 unknown": (503, {"code": 0, "msg": "Unknown error, please check your request or try again later."}),
    "502 page": (502, "<html>bad gateway</html>"),
}


@pytest.mark.parametrize("fault", UNKNOWN)
@pytest.mark.parametrize("leg", [Leg.OPEN, Leg.STOP])
async def test_an_order_that_landed_behind_a_fault_is_found_and_not_sent_again(
    venue: Scripted, client: FuturesClient, fault: str, leg: Leg
) -> None:
    venue.script = [UNKNOWN[fault]]
    wanted = order(leg, "2", trigger="95" if leg is Leg.STOP else None)
    outcome = await placed(client, wanted)
    assert venue.sent == [wanted.client_order_id]
    assert outcome.status is (OrderStatus.RESTING if leg is Leg.STOP else OrderStatus.FILLED)


@pytest.mark.parametrize("fault", UNKNOWN)
async def test_an_order_that_did_not_land_is_asked_for_and_sent_again_under_the_same_id(
    venue: Scripted, client: FuturesClient, fault: str
) -> None:
    venue.lands, venue.script = False, [UNKNOWN[fault], None]
    wanted = order(Leg.OPEN, "2")
    outcome = await placed(client, wanted)
    assert venue.sent == [wanted.client_order_id] * 2 and venue.asked == [wanted.client_order_id] * 3
    assert outcome.status is OrderStatus.FILLED


async def test_what_never_answers_is_unknown_not_refused(venue: Scripted, client: FuturesClient) -> None:
    venue.lands, venue.script = False, [UNKNOWN["-1007"]] * 2
    assert (await placed(client, order(Leg.OPEN, "2"))).status is OrderStatus.UNKNOWN


async def test_a_duplicate_id_means_that_the_first_attempt_landed(venue: Scripted, client: FuturesClient) -> None:
    wanted = order(Leg.OPEN, "2")
    venue.script = [(400, {"code": -4116, "msg": "ClientOrderId is duplicated."})]
    outcome = await placed(client, wanted)
    assert outcome.status is OrderStatus.FILLED and venue.sent == [wanted.client_order_id]


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (503, {"code": -1008, "msg": "Server is currently overloaded."}, ExchangeUnavailable),
        (503, {"code": 0, "msg": "Service Unavailable."}, ExchangeUnavailable),
        (418, {"code": -1003, "msg": "Way too many requests."}, RateLimited),
        (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, ConfigurationError),
    ],
)
async def test_what_was_certainly_not_executed_is_neither_looked_up_nor_repeated(
    venue: Scripted, client: FuturesClient, status: int, body: dict[str, Any], fault: type[Exception]
) -> None:
    venue.lands, venue.script = False, [(status, body)]
    with pytest.raises(fault) as caught:
        await placed(client, order(Leg.OPEN, "2"))
    assert len(venue.sent) == 1 and venue.asked == []
    assert SECRET not in str(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.banned is (status == 418)
    if isinstance(caught.value, ConfigurationError):
        assert "BINANCE_TESTNET_API_KEY" in str(caught.value)


async def test_all_wait_after_a_429_and_then_go_on(venue: Scripted, client: FuturesClient) -> None:
    """Nothing was executed, so the order may be sent again; everybody who shares the budget is quiet meanwhile."""
    slow = Response(
        json.dumps({"code": -1003, "msg": "Too many requests."}),
        status=429,
        content_type="application/json",
        headers={"Retry-After": "0.3"},
    )
    venue.lands, venue.script = False, [slow, None]
    began = time.monotonic()
    placing = asyncio.create_task(placed(client, order(Leg.OPEN, "2")))
    await asyncio.sleep(0.15)
    await client.read("futures_time")
    assert time.monotonic() - began > 0.3
    assert (await placing).status is OrderStatus.FILLED and len(venue.sent) == 2


async def test_a_429_that_does_not_end_is_a_fault(venue: Scripted, client: FuturesClient) -> None:
    venue.lands, venue.script = False, [(429, {"code": -1003, "msg": "Too many requests."})] * 9
    with pytest.raises(RateLimited):
        await placed(client, order(Leg.OPEN, "2"))
    assert len(venue.sent) == 3


async def test_after_a_418_nothing_is_sent_by_anybody_on_this_machine(
    venue: Scripted, httpserver: HTTPServer, tmp_path: Path
) -> None:
    url, bans = httpserver.url_for("").rstrip("/"), tmp_path / "runs" / "banned-until"
    budget = RequestBudget(bans)
    first, second = (FuturesClient(url, "key", SECRET, budget=budget) for _ in range(2))
    later = FuturesClient(url, "key", SECRET, budget=RequestBudget(bans))  # another process
    venue.lands, venue.script = False, [(418, {"code": -1003, "msg": "Way too many requests."})]
    try:
        with pytest.raises(RateLimited):
            await placed(first, order(Leg.OPEN, "2"))
        asked = len(httpserver.log)
        for client in (first, second, FuturesClient(url, "key", SECRET, budget=RequestBudget(bans))):
            with pytest.raises(RateLimited, match="banned this address until") as caught:
                await client.read("futures_time")
            assert caught.value.banned and timedelta(seconds=100) < (caught.value.retry_after or timedelta()) < timedelta(
                seconds=121
            )
            await client.close()
        assert len(httpserver.log) == asked
    finally:
        await later.close()


@pytest.mark.parametrize(("leg", "code"), [(Leg.STOP, -4045), (Leg.OPEN, -2019)])
async def test_a_refusal_of_the_second_sending_says_nothing_of_the_first(
    venue: Scripted, client: FuturesClient, leg: Leg, code: int
) -> None:
    """The first may have landed and not be visible yet: whoever took it for refused would leave a stop, or a position, behind."""
    venue.lands = False
    venue.script = [UNKNOWN["503 unknown"], (400, {"code": code, "msg": "Not now."})]
    outcome = await placed(client, order(leg, "2", trigger="95" if leg is Leg.STOP else None))
    assert len(venue.sent) == 2 and outcome.status is OrderStatus.UNKNOWN


async def test_a_ban_that_is_over_is_over(httpserver: HTTPServer, venue: Scripted, tmp_path: Path) -> None:
    (tmp_path / "banned-until").write_text("2025-01-01T00:00:00+00:00\n")
    client = FuturesClient(httpserver.url_for("").rstrip("/"), budget=RequestBudget(tmp_path / "banned-until"))
    await client.read("futures_time")
    await client.close()
    assert len(httpserver.log) == 1, "the request went out"


def test_an_order_is_looked_for_longer_than_the_venue_would_still_take_it() -> None:
    """Else it could land after it was given up and sent again, and trade twice: a filled order's id may be used again."""
    assert sum(LOOKUP_PAUSES) * 1000 > RECV_WINDOW_MS + 1000


async def test_a_refusal_is_a_value_with_the_venues_code(venue: Scripted, client: FuturesClient) -> None:
    venue.lands, venue.script = False, [(400, {"code": -2019, "msg": "Margin is insufficient."})]
    outcome = await placed(client, order(Leg.OPEN, "2"))
    assert (outcome.status, outcome.code, outcome.message) == (OrderStatus.REFUSED, -2019, "Margin is insufficient.")


async def test_a_clock_that_is_off_is_set_and_the_order_sent_once_more(venue: Scripted, client: FuturesClient) -> None:
    venue.lands, venue.script = (
        False,
        [(400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}), None],
    )
    assert (await placed(client, order(Leg.OPEN, "2"))).status is OrderStatus.FILLED
    assert len(venue.sent) == 2


async def test_a_venue_that_cannot_be_reached_executed_nothing() -> None:
    nobody = FuturesClient("http://127.0.0.1:9", "key", SECRET)
    try:
        with pytest.raises(ExchangeUnavailable, match="cannot be reached"):
            await placed(nobody, order(Leg.OPEN, "2"))
    finally:
        await nobody.close()


async def test_reads_and_writes_call_the_same_silence_by_its_consequence(httpserver: HTTPServer, client: FuturesClient) -> None:
    httpserver.expect_request("/fapi/v1/time").respond_with_response(Response("oops", status=500))
    with pytest.raises(ExchangeUnavailable):
        await client.read("futures_time")
    with pytest.raises(ExecutionUnknown):
        await client.write("futures_time")


async def test_a_read_is_repeated_and_a_write_is_not(httpserver: HTTPServer, client: FuturesClient) -> None:
    answers = [Response("busy", status=502), Response("busy", status=502), _json({"serverTime": 1})]
    httpserver.expect_request("/fapi/v1/time").respond_with_handler(lambda _: answers.pop(0))
    assert await client.read("futures_time") == {"serverTime": 1}
    answers += [Response("busy", status=502), _json({"serverTime": 1})]
    with pytest.raises(ExecutionUnknown):
        await client.write("futures_time")


async def test_the_used_weight_is_read_from_the_answer(httpserver: HTTPServer, client: FuturesClient) -> None:
    answer = Response(json.dumps({"serverTime": 1}), content_type="application/json", headers={"X-MBX-USED-WEIGHT-1M": "62"})
    httpserver.expect_request("/fapi/v1/time").respond_with_response(answer)
    await client.read("futures_time")
    assert client.budget.used_weight == 62


async def test_an_unnamed_code_stays_a_refusal(httpserver: HTTPServer, client: FuturesClient) -> None:
    httpserver.expect_request("/fapi/v1/time").respond_with_json({"code": -1121, "msg": "Invalid symbol."}, status=400)
    with pytest.raises(VenueRefusal, match="-1121"):
        await client.read("futures_time")
