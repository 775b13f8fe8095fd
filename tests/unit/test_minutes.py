"""Candles of one minute from Binance: pages, the mark beside the last price, and hosts that have none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from arena.adapters.binance.client import VenueRefusal, to_ms
from arena.adapters.binance.limits import weight_of
from arena.adapters.binance.minutes import MINUTE, read_minutes
from arena.errors import ConfigurationError
from tests.fakes.build import NOON


class Wire:
    """Answers as the two endpoints do, from `{minute: price}`, and adds up what it was asked."""

    base_url = "https://a.host"

    def __init__(self, trades: dict[int, str], marks: dict[int, str]) -> None:
        self._rows = {"futures_klines": trades, "futures_mark_price_klines": marks}
        self.weight = 0
        self.pages: list[str] = []

    async def read(self, method: str, **params: Any) -> list[list[Any]]:
        assert (params["symbol"], params["interval"]) == ("X", "1m")
        self.weight += weight_of(method, params)
        self.pages.append(method)
        rows = [
            [at, price, price, price, price, "2", at + 59_999]
            for minute, price in self._rows[method].items()
            if (at := to_ms(NOON + minute * MINUTE)) >= params["startTime"]
        ]
        return rows[: params["limit"]]


async def read(wire: Wire, first: int, last: float) -> list[tuple[int, Decimal, Decimal]]:
    found = await read_minutes(wire, "X", NOON + first * MINUTE, NOON + last * MINUTE)  # type: ignore[arg-type]
    assert all(bar.trade.open_time == bar.mark.open_time for bar in found)
    return [((bar.trade.open_time - NOON) // MINUTE, bar.trade.close, bar.mark.close) for bar in found]


async def test_the_minute_that_forms_is_the_last_one_and_later_ones_are_left() -> None:
    prices = {minute: str(100 + minute) for minute in range(10)}
    wire = Wire(prices, prices)
    assert [minute for minute, *_ in await read(wire, 3, 5.5)] == [3, 4, 5]
    assert wire.weight == 2, "one for each kind"


async def test_a_minute_without_a_mark_has_the_mark_of_before_and_without_any_the_last_price() -> None:
    wire = Wire({0: "100", 1: "101", 2: "102"}, {0: "99", 2: "98"})
    assert await read(wire, 0, 2) == [(0, 100, 99), (1, 101, 99), (2, 102, 98)]
    assert await read(Wire({0: "100"}, {}), 0, 2) == [(0, 100, 100)]


@pytest.mark.slow
@pytest.mark.parametrize(("last", "weight", "pages"), [(97, 2, 2), (98, 4, 2), (497, 4, 2), (1000, 12, 6), (20_000, 164, 82)])
async def test_long_spans_come_in_pages(last: int, weight: int, pages: int) -> None:
    prices = dict.fromkeys(range(20_100), "100")
    wire = Wire(prices, prices)
    found = await read(wire, 0, last + 0.5)
    assert [minute for minute, *_ in found] == list(range(last + 1))
    assert (wire.weight, len(wire.pages)) == (weight, pages)


async def test_a_span_that_ends_before_now_ends_there() -> None:
    wire = Wire({0: "100"}, {0: "100"})
    assert await read(wire, 0, 2000) == [(0, 100, 100)]
    assert await read(wire, 5, 2000) == []


async def test_a_host_without_minutes_is_named_and_other_refusals_stay_what_they_are() -> None:
    wire = Wire({}, {})
    for code, fault in ((-1120, ConfigurationError), (-1121, VenueRefusal)):

        async def refuse(*_: object, code: int = code, **__: object) -> None:
            raise VenueRefusal(code, "no")

        wire.read = refuse  # type: ignore[method-assign, assignment]
        with pytest.raises(fault, match=r"https://a\.host has no candles of one minute" if code == -1120 else "-1121"):
            await read_minutes(wire, "X", NOON, NOON + timedelta(minutes=1))  # type: ignore[arg-type]
