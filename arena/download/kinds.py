"""The kinds of things that are downloaded of a pair: candles, mark price, fundings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from arena.adapters.binance.history import FUNDINGS, BinanceHistory, Page
from arena.adapters.binance.minutes import PAGE
from arena.adapters.recorded.growing import Span
from arena.adapters.recorded.intervals import interval_name
from arena.adapters.recorded.layout import FUNDING, MARK
from arena.adapters.recorded.series import EPOCH, PRICES

HOUR = timedelta(hours=1)
FUNDING_PAUSE = timedelta(hours=8)  # the longest there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the things that are downloaded of a pair.

    Attributes:
        name: For people.
        folder: Of its files.
        time_column, value_columns: Of its files.
        step: In each there is one row.
        page: Rows of a request.
        least: Rows of the smallest file that can be read.
    """

    name: str
    folder: str
    time_column: str
    value_columns: tuple[str, ...]
    step: timedelta
    page: int
    least: int = 1

    def span(self, since: datetime, until: datetime) -> Span:
        """Return the part of a span to ask for: the steps that have ended by then; of marks the hour that it begins in, too."""
        if self.folder == FUNDING:
            return since, until
        begin = since - (since - EPOCH) % self.step
        return (begin if begin == since or self.folder == MARK else begin + self.step), until - (until - EPOCH) % self.step

    def pages(self, span: Span) -> float:
        """Return how many requests a span takes."""
        return (span[1] - span[0]) / self.step / self.page

    def read(self, history: BinanceHistory, pair: str, span: Span) -> AsyncIterator[Page]:
        """Ask the venue."""
        if self.folder == FUNDING:
            return history.fundings(pair, *span)
        return (history.marks if self.folder == MARK else history.candles)(pair, interval_name(self.step), *span)


def kinds(interval: timedelta) -> tuple[Kind, ...]:
    """Return those of a market with candles of an interval, they themselves first; marks are of use within an hour alone."""
    candles = Kind(
        name="candles",
        folder=interval_name(interval),
        time_column="open_time",
        value_columns=(*PRICES, "volume"),
        step=interval,
        page=PAGE,
        least=2,
    )
    marks = Kind(name="mark price", folder=MARK, time_column="open_time", value_columns=PRICES, step=HOUR, page=PAGE)
    fundings = Kind(
        name="fundings",
        folder=FUNDING,
        time_column="funding_time",
        value_columns=("funding_rate",),
        step=FUNDING_PAUSE,
        page=FUNDINGS,
    )
    return (candles, marks, fundings) if interval <= HOUR else (candles, fundings)
