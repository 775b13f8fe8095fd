"""One symbol's history as arrays of whole ticks and steps.

Files hold doubles of exact decimals. They are turned into integers once, at load; Decimals are made only of what is asked for.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from arena.adapters.recorded.files import Floats, Integers, read_columns
from arena.adapters.recorded.instruments import instrument_for
from arena.adapters.recorded.layout import SymbolFiles
from arena.domain.instrument import Instrument
from arena.domain.market import Bar, Candle
from arena.domain.money import ONE
from arena.errors import ConfigurationError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000
PRICES = ("open", "high", "low", "close")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Prices of bars in whole ticks, one entry a bar."""

    open: Integers
    high: Integers
    low: Integers
    close: Integers

    def clamped(self, low: Integers, high: Integers) -> Columns:
        """Return the prices moved into low to high, entry by entry."""
        return Columns(
            open=np.clip(self.open, low, high),
            high=np.clip(self.high, low, high),
            low=np.clip(self.low, low, high),
            close=np.clip(self.close, low, high),
        )

    def scaled(self, first: int, factor: Decimal) -> Columns:
        """Return the prices with those from row `first` on scaled."""
        return Columns(
            open=_scaled(self.open, first, factor),
            high=_scaled(self.high, first, factor),
            low=_scaled(self.low, first, factor),
            close=_scaled(self.close, first, factor),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkHours:
    """The mark price's hours: start (ms of Unix time, increasing), and prices in ticks."""

    start_ms: Integers
    open: Integers
    low: Integers
    high: Integers
    close: Integers

    def rows_at(self, moments_ms: Integers) -> Integers:
        """Return the row of the hour that each moment lies in, -1 where there is none."""
        rows = np.searchsorted(self.start_ms, moments_ms, side="right") - 1
        inside = (rows >= 0) & (moments_ms < self.start_ms[np.maximum(rows, 0)] + HOUR_MS)
        return np.where(inside, rows, -1)

    def jumped(self, moment_ms: int, factor: Decimal) -> MarkHours:
        """Return the hours with the prices from a moment on scaled; an hour that contains it is split there."""
        row = int(self.rows_at(np.array([moment_ms]))[0])
        later = int(np.searchsorted(self.start_ms, moment_ms, side="left"))
        hours = self
        if row >= 0 and row < later:
            hours = MarkHours(
                start_ms=np.insert(self.start_ms, later, moment_ms),
                open=np.insert(self.open, later, self.open[row]),
                low=np.insert(self.low, later, self.low[row]),
                high=np.insert(self.high, later, self.high[row]),
                close=np.insert(self.close, later, self.close[row]),
            )
        return MarkHours(
            start_ms=hours.start_ms,
            open=_scaled(hours.open, later, factor),
            low=_scaled(hours.low, later, factor),
            high=_scaled(hours.high, later, factor),
            close=_scaled(hours.close, later, factor),
        )

    def in_place_of(self, candles: Columns, open_ms: Integers) -> Columns:
        """Return candles of one hour, given when they open, with those that were recorded; one that a jump has split was not."""
        if not len(self.start_ms):
            return candles
        rows = self.rows_at(open_ms)
        lasting = np.diff(self.start_ms, append=self.start_ms[-1] + HOUR_MS)
        known = (rows >= 0) & (self.start_ms[rows] == open_ms) & (lasting[rows] >= HOUR_MS)
        return Columns(
            open=np.where(known, self.open[rows], candles.open),
            high=np.where(known, self.high[rows], candles.high),
            low=np.where(known, self.low[rows], candles.low),
            close=np.where(known, self.close[rows], candles.close),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One symbol's bars.

    Attributes:
        interval: Length of a bar.
        open_ms: Open times, ms of Unix time, increasing.
        trade, mark: The last price's bars and the mark's; the same object where there is no mark data.
        volume: In steps.
        hours: Of the mark price; None where there is no mark data.
    """

    instrument: Instrument
    interval: timedelta
    open_ms: Integers
    trade: Columns
    mark: Columns
    volume: Integers
    hours: MarkHours | None

    def bar(self, row: int) -> Bar:
        """Return the bar of one row."""
        trade = self.candle(row, self.trade)
        return Bar(trade=trade, mark=trade if self.mark is self.trade else self.candle(row, self.mark))

    def candle(self, row: int, columns: Columns) -> Candle:
        """Return the candle of one row of `trade` or `mark`."""
        tick, opened = self.instrument.tick_size, from_ms(int(self.open_ms[row]))
        return Candle(
            open_time=opened,
            close_time=opened + self.interval,
            open=int(columns.open[row]) * tick,
            high=int(columns.high[row]) * tick,
            low=int(columns.low[row]) * tick,
            close=int(columns.close[row]) * tick,
            volume=int(self.volume[row]) * self.instrument.step_size,
        )

    def row_at(self, moment: datetime) -> int | None:
        """Return the row of the bar that contains the moment, or None in a gap."""
        row = int(np.searchsorted(self.open_ms, to_ms(moment), side="right")) - 1
        return row if row >= 0 and to_ms(moment) < self.open_ms[row] + to_ms(self.interval) else None

    def mark_at(self, moment: datetime) -> Decimal | None:
        """Return the mark at a funding's instant, USDT: its hour's mark open, else the bar's open; None before the first bar."""
        tick = self.instrument.tick_size
        if self.hours is not None:
            hour = int(self.hours.rows_at(np.array([to_ms(moment)]))[0])
            if hour >= 0:
                return int(self.hours.open[hour]) * tick
        row = int(np.searchsorted(self.open_ms, to_ms(moment), side="right")) - 1
        if row < 0:
            return None
        inside = to_ms(moment) < self.open_ms[row] + to_ms(self.interval)
        return int(self.mark.open[row] if inside else self.mark.close[row]) * tick

    def jumped(self, row: int, factor: Decimal) -> Series:
        """Return the history with all prices from a row on scaled and rounded to the tick."""
        trade = self.trade.scaled(row, factor)
        return replace(
            self,
            trade=trade,
            mark=trade if self.mark is self.trade else self.mark.scaled(row, factor),
            hours=None if self.hours is None else self.hours.jumped(int(self.open_ms[row]), factor),
        )


def read_series(files: SymbolFiles) -> Series:
    """Return the history of one symbol, with the mark where there are files of it.

    The mark's bar is the trade bar moved into the range that the mark had within the hour: nothing finer is recorded, and what
    matters of it is that a spike of the last price which the mark never followed liquidates nobody.

    Raises:
        ConfigurationError: A file cannot be used.
    """
    times, (*prices, volumes) = read_columns(files.candles, "open_time", (*PRICES, "volume"))
    path = files.candles[0]
    if len(times) < 2:
        raise ConfigurationError(f"{path} has fewer than two candles: remove it or add candles")
    steps, counts = np.unique(np.diff(times), return_counts=True)
    interval_ms = int(steps[np.argmax(counts)])
    usable = _usable(times, prices, volumes, interval_ms)
    if not usable.all():
        _log.warning("%s: %d of %d rows are no candles and are left out", path, int((~usable).sum()), len(usable))
    if not usable.any():
        raise ConfigurationError(f"{path} has no usable candle: every row has a missing or impossible price")
    times, volumes = times[usable], volumes[usable]
    opens, highs, lows, closes = (column[usable] for column in prices)
    instrument = instrument_for(files.symbol, np.concatenate([opens, highs, lows, closes]))
    tick = instrument.tick_size
    trade = Columns(open=whole(opens, tick), high=whole(highs, tick), low=whole(lows, tick), close=whole(closes, tick))
    hours = _mark_hours(files, tick) if interval_ms <= HOUR_MS else None
    return Series(
        instrument=instrument,
        interval=timedelta(milliseconds=interval_ms),
        open_ms=times,
        trade=trade,
        mark=trade if hours is None else _mark_columns(trade, times, hours),
        volume=whole(volumes, instrument.step_size),
        hours=hours,
    )


def whole(values: Floats, unit: Decimal) -> Integers:
    """Return the nearest number of units, half to even; the noise of doubles does not decide a tie."""
    return np.rint(np.round(values / float(unit), 6)).astype(np.int64)


def _scaled(ticks: Integers, first: int, factor: Decimal) -> Integers:
    """Return prices with those from `first` on scaled, at least one tick each."""
    return np.concatenate([ticks[:first], np.maximum(whole(ticks[first:].astype(np.float64) * float(factor), ONE), 1)])


def from_ms(milliseconds: int) -> datetime:
    """Return an aware UTC time."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def to_ms(value: datetime | timedelta) -> int:
    """Return a time of the Unix epoch, or a duration, in whole milliseconds, cut."""
    return (value if isinstance(value, timedelta) else value - EPOCH) // timedelta(milliseconds=1)


def _usable(times: Integers, prices: list[Floats], volumes: Floats, interval_ms: int) -> npt.NDArray[np.bool_]:
    """Return which rows are candles: on the grid of the interval, finite, positive, high and low around open and close."""
    opens, highs, lows, closes = prices
    with np.errstate(invalid="ignore"):
        ordered = (lows > 0) & (lows <= np.minimum(opens, closes)) & (highs >= np.maximum(opens, closes))
        finite = np.isfinite(highs) & np.isfinite(volumes) & (volumes >= 0)
    found: npt.NDArray[np.bool_] = ordered & finite & (times % interval_ms == 0)
    return found


def _mark_hours(files: SymbolFiles, tick: Decimal) -> MarkHours | None:
    if not files.mark:
        return None
    times, (opens, highs, lows, closes) = read_columns(files.mark, "open_time", PRICES)
    sound = (lows > 0) & (lows <= np.minimum(opens, closes)) & (np.maximum(opens, closes) <= highs) & np.isfinite(highs)
    o, h, low, c = (whole(column[sound], tick) for column in (opens, highs, lows, closes))
    return MarkHours(start_ms=times[sound], open=o, low=low, high=h, close=c)


def _mark_columns(trade: Columns, times: Integers, hours: MarkHours) -> Columns:
    rows = hours.rows_at(times)
    if not len(hours.start_ms):
        return trade
    known = rows >= 0
    return trade.clamped(np.where(known, hours.low[rows], trade.low), np.where(known, hours.high[rows], trade.high))
