"""Limit orders at Binance's bad days: sent or cancelled behind a fault, on the simulator through python-binance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from arena.adapters.binance.account import BinanceAccount
from arena.adapters.binance.client import FuturesClient
from arena.adapters.binance.whole_account import BinanceWholeAccount
from arena.application.shutdown import shut_down
from arena.domain.order import Leg, OrderStatus
from arena.errors import ExchangeUnavailable
from tests.contract.test_exchange import NOW, candles, limit, order
from tests.fakes.candles import BAR
from tests.fakes.simulator import KEY, SECRET, Simulator, running_simulator

__all__ = ["candles"]  # the fixture

LOST = {"kind": "unknown", "path": "/fapi/v1/order", "times": 1}
ENTRY = limit("2", "95")
NAME = ENTRY.client_order_id


@pytest.fixture
def simulator(candles: Path) -> Iterator[Simulator]:
    with running_simulator(candles, start=NOW) as running:
        yield running


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[FuturesClient]:
    made = FuturesClient(simulator.url, KEY, SECRET)
    await made.synchronise()
    yield made
    await made.close()


@pytest.fixture
async def account(client: FuturesClient) -> BinanceAccount:
    made = BinanceAccount(client, lookup_pauses=(0.01,), conditional_lookup_pauses=(0.01,))
    await made.prepare(["SOLUSDT"], 5)
    return made


def sent(simulator: Simulator) -> list[tuple[str, str]]:
    (journal,) = simulator.journal().values()
    return [(each["client_id"], each["status"]) for each in journal["orders"]]


@pytest.mark.parametrize("landed", [True, False])
async def test_a_limit_whose_answer_is_lost_rests_once(simulator: Simulator, account: BinanceAccount, landed: bool) -> None:
    simulator.strike({**LOST, "method": "POST", "landed": landed})
    outcome = await account.place(ENTRY)
    assert (outcome.status, outcome.filled_quantity) == (OrderStatus.RESTING, 0)
    assert sent(simulator) == [(NAME, "NEW")]


async def test_a_limit_that_is_refused_behind_a_lost_answer_is_unknown(simulator: Simulator, account: BinanceAccount) -> None:
    """The first sending may rest, not visible yet, from before the price came: it is known after `entries.NEVER_LANDED`."""
    simulator.strike({**LOST, "method": "POST", "landed": True})
    assert (await account.place(limit("2", "100.5"))).status is OrderStatus.UNKNOWN
    assert sent(simulator) == [] and await account.find("SOLUSDT", NAME, conditional=False) is None


async def test_a_limit_that_rests_is_not_asked_for_until_it_is_filled(simulator: Simulator, account: BinanceAccount) -> None:
    assert (await account.place(ENTRY)).status is OrderStatus.RESTING
    assert "GET /fapi/v1/order" not in simulator.state()["requests"]


async def test_a_refusal_is_told_with_the_venues_words(simulator: Simulator, account: BinanceAccount) -> None:
    outcome = await account.place(limit("2", "100"))
    assert (outcome.status, outcome.code) == (OrderStatus.REFUSED, -5022) and "Post Only" in outcome.message


async def test_a_limit_that_is_cancelled_behind_a_lost_answer_is_gone(simulator: Simulator, account: BinanceAccount) -> None:
    await account.place(ENTRY)
    simulator.strike({**LOST, "method": "DELETE", "landed": True})
    assert await account.cancel("SOLUSDT", NAME, conditional=False) is False
    assert sent(simulator) == [(NAME, "CANCELED")]


async def test_a_limit_whose_cancelling_did_not_arrive_may_still_fill(simulator: Simulator, account: BinanceAccount) -> None:
    await account.place(ENTRY)
    simulator.strike({**LOST, "method": "DELETE", "landed": False})
    with pytest.raises(ExchangeUnavailable):
        await account.cancel("SOLUSDT", NAME, conditional=False)
    assert sent(simulator) == [(NAME, "NEW")]
    assert await account.cancel("SOLUSDT", NAME, conditional=False) is True


async def test_nobody_is_told_that_an_order_is_gone_which_only_cannot_be_seen(
    simulator: Simulator, account: BinanceAccount
) -> None:
    simulator.strike({"kind": "invisible", "seconds": 60, "path": "/fapi/v1/order", "times": 1})
    await account.place(ENTRY)
    assert await account.find("SOLUSDT", NAME, conditional=False) is None
    simulator.strike({**LOST, "method": "DELETE", "landed": False})
    with pytest.raises(ExchangeUnavailable):
        await account.cancel("SOLUSDT", NAME, conditional=False)


async def test_the_emergency_exit_cancels_a_resting_limit(
    simulator: Simulator, account: BinanceAccount, client: FuturesClient
) -> None:
    """With its stop, and closes what is held beside it."""
    await account.place(order(Leg.OPEN, "1", letter="B"))
    for each in (ENTRY, order(Leg.STOP, "2", trigger="92")):
        assert (await account.place(each)).status is OrderStatus.RESTING
    ended = await shut_down(BinanceWholeAccount(client), patience_seconds=5, pause_seconds=0.05)
    assert ended.flat and ended.faults == ()
    simulator.advance((BAR * 8).total_seconds())
    assert (await account.book()).positions == {}
    assert dict(sent(simulator))[NAME] == "CANCELED"


async def test_a_partial_fill_is_shown_as_resting_with_what_it_has_filled(
    simulator: Simulator, account: BinanceAccount, client: FuturesClient
) -> None:
    simulator.strike({"kind": "partial", "share": 0.4, "times": 1})
    await account.place(ENTRY)
    simulator.advance((BAR * 6).total_seconds())
    found = await account.find("SOLUSDT", NAME, conditional=False)
    assert found is not None
    assert (found.status, found.filled_quantity) == (OrderStatus.RESTING, Decimal("0.8"))
    assert "PARTIALLY_FILLED" in found.message
    assert (await client.read("futures_get_open_orders", symbol="SOLUSDT"))[0]["status"] == "PARTIALLY_FILLED"
