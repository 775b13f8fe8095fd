"""Candles for who looks on: few requests, short waits, and a venue that is away takes nothing else with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from arena.dashboard import candles as module
from arena.dashboard.candles import Shelf
from arena.domain.market import Candle
from arena.errors import ExchangeUnavailable
from tests.fakes import build

MARKET = "paper on Binance"
BOOKED = build.NOON.isoformat()


class Venue:
    """Answers once `let` is set; notes what it was asked, and how many requests were under way at once."""

    interval = timedelta(minutes=5)

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()
        self.asked: list[tuple[str, datetime | None]] = []
        self.busy = self.most = 0
        self.away = False
        self.name = "Binance"

    async def read(self, symbol: str, until: datetime | None) -> tuple[str, Sequence[Candle]]:
        self.asked.append((symbol, until))
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await self.let.wait()
            await asyncio.sleep(0)
        finally:
            self.busy -= 1
        if self.name == "broken":
            raise KeyError("openTime")
        if self.away:
            raise ExchangeUnavailable("the venue cannot be reached")
        return self.name, build.candles(["100", "101"])


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2025, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "_now", clock)
    return clock


async def test_many_readers_are_one_request_and_symbols_take_turns(clock: Clock) -> None:
    venue = Venue()
    shelf = Shelf(venue)
    symbols = ("BTCUSDT", "ETHUSDT") * 20
    shown = await asyncio.gather(*(shelf.of(symbol, MARKET, BOOKED, False) for symbol in symbols))
    assert {len(each.candles or ()) for each in shown} == {2} and {each.reason for each in shown} == {""}
    assert (sorted(symbol for symbol, _ in venue.asked), venue.most) == (["BTCUSDT", "ETHUSDT"], 1)


async def test_a_symbol_is_asked_for_again_after_a_bar(clock: Clock) -> None:
    venue = Venue()
    shelf = Shelf(venue)
    for seconds, asked in ((0, 1), (299, 1), (1, 2), (299, 2)):
        clock.now += timedelta(seconds=seconds)
        await shelf.of("BTCUSDT", MARKET, BOOKED, False)
        assert len(venue.asked) == asked
    later = (build.NOON + timedelta(minutes=5)).isoformat()  # the season's clock runs faster than this machine's
    await shelf.of("BTCUSDT", MARKET, later, False)
    assert len(venue.asked) == 3
    await shelf.of("BTCUSDT", MARKET, later, False)
    assert len(venue.asked) == 3, "but not at every request"


async def test_of_a_season_that_has_ended_nothing_later_is_shown(clock: Clock) -> None:
    venue = Venue()
    await Shelf(venue).of("BTCUSDT", MARKET, BOOKED, True)
    assert venue.asked == [("BTCUSDT", build.NOON)]


async def test_what_was_read_while_it_went_on_is_read_once_more_at_its_end_and_never_again(clock: Clock) -> None:
    venue = Venue()
    shelf = Shelf(venue)
    await shelf.of("BTCUSDT", MARKET, BOOKED, False)
    for _ in range(3):
        await shelf.of("BTCUSDT", MARKET, BOOKED, True)
        clock.now += 2 * venue.interval
    assert venue.asked == [("BTCUSDT", None), ("BTCUSDT", build.NOON)]


async def test_while_the_venue_is_away_it_is_left_alone_and_what_is_known_stays(clock: Clock) -> None:
    venue = Venue()
    shelf = Shelf(venue)
    venue.away = True
    first = await shelf.of("BTCUSDT", MARKET, BOOKED, False)
    assert (first.candles, first.reason) == (None, "the venue cannot be reached")
    await shelf.of("BTCUSDT", MARKET, BOOKED, False)
    assert len(venue.asked) == 1
    clock.now += module.AGAIN
    venue.away = False
    good = await shelf.of("BTCUSDT", MARKET, BOOKED, False)
    assert good.candles and not good.reason
    clock.now += timedelta(minutes=5)
    venue.away = True
    old = await shelf.of("BTCUSDT", MARKET, BOOKED, False)
    assert (old.candles, old.read_at, old.reason) == (good.candles, good.read_at, "the venue cannot be reached")


async def test_nobody_waits_long_for_a_venue_that_hangs(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    venue = Venue()
    venue.let.clear()
    shelf = Shelf(venue)
    shown = await shelf.of("BTCUSDT", MARKET, BOOKED, False)
    assert (shown.candles, shown.reason) == (None, "the venue has not answered yet")
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 5.0)
    venue.let.set()
    assert (await shelf.of("BTCUSDT", MARKET, BOOKED, False)).candles
    assert len(venue.asked) == 1, "the first reading went on"


async def test_prices_of_another_market_are_not_shown(clock: Clock) -> None:
    venue = Venue()
    venue.name = "generated market, seed 1 (simulator)"
    shown = await Shelf(venue).of("BTCUSDT", MARKET, BOOKED, False)
    assert shown.candles is None
    assert shown.reason == f"the settings name the market {venue.name}, and the season trades on {MARKET}"


async def test_an_answer_that_makes_no_sense_takes_nothing_with_it(clock: Clock) -> None:
    venue = Venue()
    venue.name = "broken"
    shown = await Shelf(venue).of("BTCUSDT", MARKET, BOOKED, False)
    assert (shown.candles, shown.reason) == (None, "they could not be read (KeyError)")


async def test_without_a_venue_it_says_so(clock: Clock) -> None:
    shown = await Shelf(None).of("BTCUSDT", MARKET, BOOKED, False)
    assert (shown.candles, shown.reason) == (None, "this dashboard was started without a venue")
