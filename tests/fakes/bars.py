"""A market in memory: `feed(BTCUSDT=["100 110 90 105", ...])` has one bar a string, `open high low close [volume]`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from arena.domain.market import Bar, BarStep, Candle, FundingRate
from tests.fakes.build import BAR, NOON, instruments

D = Decimal
GAP = ""  # a bar that is missing
STARTS = {"BTCUSDT": D("50000"), "ETHUSDT": D("3000"), "SOLUSDT": D("150"), "DOGEUSDT": D("0.2")}
PERMILLE = D("0.001")


def candle(text: str, open_time: datetime) -> Candle:
    open_, high, low, close, *volume = (D(part) for part in text.split())
    return Candle(
        open_time=open_time,
        close_time=open_time + BAR,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume[0] if volume else D(10),
    )


class ListFeed:
    """A BarFeed over lists; bars are five minutes long and begin at NOON."""

    def __init__(self, bars: Mapping[str, Sequence[Bar | None]], fundings: Sequence[FundingRate] = ()) -> None:
        self.bars = bars
        self._fundings = tuple(sorted(fundings, key=lambda rate: rate.time))

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self.bars)

    def steps(self, after: datetime, until: datetime) -> Iterator[BarStep]:
        for index in range(max((len(bars) for bars in self.bars.values()), default=0)):
            start = NOON + index * BAR
            found = {s: bar for s, bars in self.bars.items() if index < len(bars) and (bar := bars[index]) is not None}
            if found and after < start + BAR <= until:
                yield BarStep(open_time=start, close_time=start + BAR, bars=found)

    def current(self, symbol: str, at: datetime) -> Bar | None:
        index = (at - NOON) // BAR
        return self.bars[symbol][index] if 0 <= index < len(self.bars[symbol]) else None

    def fundings(self, after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        return tuple(rate for rate in self._fundings if after < rate.time <= until)


def feed(
    marks: Mapping[str, Sequence[str]] | None = None, fundings: Sequence[FundingRate] = (), **trades: Sequence[str]
) -> ListFeed:
    """Return a feed; `marks` has mark bars by symbol where they differ from the last prices."""
    bars: dict[str, list[Bar | None]] = {}
    for symbol, texts in trades.items():
        mark_texts = (marks or {}).get(symbol, texts)
        bars[symbol] = [
            None if text == GAP else Bar(trade=candle(text, NOON + i * BAR), mark=candle(mark_text, NOON + i * BAR))
            for i, (text, mark_text) in enumerate(zip(texts, mark_texts, strict=True))
        ]
    return ListFeed(bars, fundings)


def on_tick(symbol: str, price: Decimal) -> Decimal:
    return max(instruments()[symbol].round_price(price), instruments()[symbol].tick_size)


def walk(
    chance: random.Random, symbol: str, count: int, *, jump: int, swing: int, spread: int, outages: bool
) -> list[Bar | None]:
    """Return bars whose open jumps by up to `jump` ‰, which move by up to `swing` ‰, their mark up to `spread` ‰ away."""
    bars: list[Bar | None] = []
    close = STARTS[symbol]
    for index in range(count):
        wild = chance.random() < 0.3
        open_ = close * (1 + chance.randint(-jump, jump) * PERMILLE * (1 if wild else D("0.1")))
        up, down = (chance.randint(0, swing) * PERMILLE * (1 if wild else D("0.1")) for _ in range(2))
        high, low = open_ * (1 + up), open_ * (1 - down)
        close = low + (high - low) * chance.randint(0, 4) / 4
        away = 1 + chance.randint(-spread, spread) * PERMILLE
        volume = "0" if outages and index and chance.random() < 0.2 else "1"
        prices = [open_, high, low, close]
        bar = Bar(trade=_candle(symbol, index, prices, volume), mark=_candle(symbol, index, [p * away for p in prices], volume))
        bars.append(None if outages and index and chance.random() < 0.1 else bar)
    return bars


def _candle(symbol: str, index: int, prices: list[Decimal], volume: str) -> Candle:
    open_, high, low, close = (on_tick(symbol, price) for price in prices)
    start = NOON + index * BAR
    return Candle(open_time=start, close_time=start + BAR, open=open_, high=high, low=low, close=close, volume=D(volume))
