"""Cancelling several orders with one request at Binance's bad days, on the simulator through python-binance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from arena.adapters.binance import cancelling
from arena.adapters.binance import client as client_module
from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.cancelling import Listings, cancel_conditionals
from arena.adapters.binance.client import FuturesClient
from arena.application.sending import cancel_all
from arena.domain.order import Order
from arena.errors import ExchangeUnavailable
from tests.contract.test_exchange import NOW, candles, limit_of, stop_of
from tests.fakes.simulator import KEY, SECRET, Simulator, connected, running_simulator

__all__ = ["candles"]  # the fixture

LISTING = "GET /fapi/v1/openAlgoOrders"
ALL, NAMED = "/fapi/v1/algoOpenOrders", "/fapi/v1/batchOrders"
STOPS, LIMITS = [stop_of(letter) for letter in "ABCD"], [limit_of(letter) for letter in "ABCD"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "READ_PAUSES", (0.01, 0.01))


@pytest.fixture
def simulator(candles: Path) -> Iterator[Simulator]:
    with running_simulator(candles, start=NOW) as running:
        yield running


@pytest.fixture
async def account(simulator: Simulator) -> AsyncIterator[BinanceAccount]:
    client = FuturesClient(simulator.url, KEY, SECRET)
    await client.synchronise()
    made = BinanceAccount(client, lookup_pauses=(0.01,), conditional_lookup_pauses=(0.01,))
    await made.prepare(["SOLUSDT"], 5)
    yield made
    await client.close()


def names(orders: Sequence[Order]) -> list[str]:
    return [each.client_order_id for each in orders]


def status(simulator: Simulator) -> dict[str, str]:
    (journal,) = simulator.journal().values()
    return {each["client_id"]: each["status"] for each in [*journal["orders"], *journal["conditionals"]]}


def asked(simulator: Simulator, what: str) -> int:
    return int(simulator.state()["requests"].get(what, {"count": 0})["count"])


async def place(account: BinanceAccount, orders: Sequence[Order]) -> None:
    for each in orders:
        await account.place(each)


async def together(account: BinanceAccount, orders: Sequence[Order]) -> set[str]:
    conditional = orders[0].order_type.conditional
    return set(await account.cancel_together("SOLUSDT", names(orders), conditional=conditional))


@pytest.mark.parametrize("fault", ["unknown", "no_response", "drop"])
@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize(("orders", "path"), [(STOPS, ALL), (LIMITS, NAMED)], ids=["stops", "limits"])
async def test_a_lost_answer_leaves_each_to_its_own_cancel(
    simulator: Simulator, account: BinanceAccount, orders: Sequence[Order], path: str, landed: bool, fault: str
) -> None:
    """aiohttp repeats a DELETE whose connection breaks, and the answer to the second says nothing of what the first has ended."""
    await place(account, orders)
    simulator.strike({"kind": fault, "path": path, "landed": landed, "times": 2 if fault == "drop" else 1})
    assert await together(account, orders) == set()
    assert set(status(simulator).values()) == {"CANCELED" if landed else "NEW"}
    conditional = orders is STOPS
    for name in names(orders):
        assert await account.cancel("SOLUSDT", name, conditional=conditional) is not landed
    assert set(status(simulator).values()) == {"CANCELED"}


@pytest.mark.parametrize("kind", ["unavailable", "overloaded", "restart"])
@pytest.mark.parametrize(("orders", "path"), [(STOPS, ALL), (LIMITS, NAMED)], ids=["stops", "limits"])
async def test_a_venue_that_does_not_serve_leaves_all_to_rest(
    simulator: Simulator, account: BinanceAccount, orders: Sequence[Order], path: str, kind: str
) -> None:
    await place(account, orders)
    more = {"seconds": 1} if kind == "restart" else {}
    simulator.strike({"kind": kind, "path": path, "times": 1, **more})
    with suppress(ExchangeUnavailable):
        assert await together(account, orders) == set()
    assert set(status(simulator).values()) == {"NEW"}


async def test_where_the_last_listing_fails_nothing_is_certain(simulator: Simulator, account: BinanceAccount) -> None:
    """The orders are gone, and each one's own cancel says so."""
    await place(account, STOPS)
    await account.resting(["SOLUSDT"])
    simulator.strike({"kind": "unavailable", "method": "GET", "path": "/fapi/v1/openAlgoOrders"})
    with pytest.raises(ExchangeUnavailable):
        await together(account, STOPS)
    simulator.strike()
    assert await cancel_all(tuple(("SOLUSDT", name) for name in names(STOPS)), account) == ()
    assert set(status(simulator).values()) == {"CANCELED"}


async def test_what_a_person_has_placed_stays(simulator: Simulator, account: BinanceAccount) -> None:
    """Even of a kind that the arena never sends, and so never shows as resting."""
    await place(account, STOPS)
    async with connected(simulator) as person:
        own = {"symbol": "SOLUSDT", "side": "BUY", "positionSide": "LONG", "type": "STOP_MARKET"}
        await person.futures_create_order(**own, quantity="1", triggerPrice="120", clientAlgoId="my-own")
    assert await together(account, STOPS) == set()
    assert set(status(simulator).values()) == {"NEW"}
    assert await cancel_all(tuple(("SOLUSDT", name) for name in names(STOPS)), account) == ()
    assert status(simulator) == {**dict.fromkeys(names(STOPS), "CANCELED"), "my-own": "NEW"}


async def test_another_pairs_orders_stay(simulator: Simulator, account: BinanceAccount) -> None:
    await place(account, STOPS)
    async with connected(simulator) as person:
        own = {"symbol": "BTCUSDT", "side": "SELL", "positionSide": "LONG", "type": "STOP_MARKET"}
        await person.futures_create_order(**own, quantity="0.1", triggerPrice="50000", clientAlgoId="my-own")
    assert await together(account, STOPS) == set(names(STOPS))
    assert status(simulator)["my-own"] == "NEW"


async def test_those_that_were_gone_before_are_left_out(simulator: Simulator, account: BinanceAccount) -> None:
    """Whoever asks for one of them learns what it has filled."""
    for orders in ([*STOPS, stop_of("E")], LIMITS):
        await place(account, orders)
        await account.cancel("SOLUSDT", names(orders)[1], conditional=orders is not LIMITS)
        assert await together(account, orders) == {*names(orders)} - {names(orders)[1]}


async def test_few_are_cancelled_by_name_since_that_weighs_no_more(simulator: Simulator, account: BinanceAccount) -> None:
    await place(account, STOPS[:3])
    assert await together(account, STOPS[:3]) == set() and asked(simulator, LISTING) == 0
    await account.resting(["SOLUSDT"])
    assert await together(account, STOPS[:3]) == set(names(STOPS[:3])), "the first listing is there already"
    assert asked(simulator, LISTING) == 2


async def test_a_listing_is_asked_for_again_once_it_may_be_wrong(
    simulator: Simulator, account: BinanceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place(account, STOPS)
    await account.resting(["SOLUSDT"])
    await place(account, [stop_of("E")])  # it rests there now, and stays
    assert await together(account, STOPS) == set()
    monkeypatch.setattr(cancelling, "FRESH_SECONDS", -1)
    await account.cancel("SOLUSDT", stop_of("E").client_order_id, conditional=True)
    before = asked(simulator, LISTING)
    assert await together(account, STOPS) == set(names(STOPS)) and asked(simulator, LISTING) == before + 2


async def test_one_that_outlives_the_cancelling_of_all_is_not_called_gone() -> None:
    class Venue:
        """Says that all are cancelled, and shows one of them still."""

        def __init__(self) -> None:
            self.rows = [{"clientAlgoId": name} for name in names(STOPS)]

        async def read(self, *_: Any, **__: Any) -> Any:
            return list(self.rows)

        async def write(self, *_: Any, **__: Any) -> None:
            del self.rows[1:]

    venue: Any = Venue()
    assert await cancel_conditionals(venue, Listings(venue), "SOLUSDT", names(STOPS)) == set(names(STOPS)[1:])


async def test_more_than_ten_limits_are_named_ten_at_a_time(simulator: Simulator, account: BinanceAccount) -> None:
    many = [limit_of(letter, "95") for letter in "ABCDEFGHIJKL"]
    await place(account, many)
    assert await together(account, many) == set(names(many))
    assert asked(simulator, f"DELETE {NAMED}") == 2
