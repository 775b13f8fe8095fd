"""A market's past as the paper engine's feed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from arena.adapters.recorded.files import Integers, read_columns
from arena.adapters.recorded.intervals import DAY, interval_name
from arena.adapters.recorded.layout import MarketFiles, SymbolFiles, market_files
from arena.adapters.recorded.series import HOUR_MS, Columns, MarkHours, Series, from_ms, read_series, to_ms
from arena.domain.instrument import Instrument
from arena.domain.market import Bar, BarStep, Candle, FundingRate
from arena.errors import ConfigurationError

RATE_UNIT = Decimal("0.00000001")  # Binance writes funding rates with eight decimals


class CandleArchive:
    """The candles, marks and fundings of one folder; satisfies the paper engine's BarFeed.

    Args:
        directory: Of the candle files, all of one interval, in any of the package's layouts; or with one such folder in it.
        symbols: To read; all of the folder where left out.

    Attributes:
        folder: Of the candle files.
        interval: Of the candles.
        instruments: Contracts by symbol.
        start, end: Open time of the first bar, and the first instant after the last one, of all symbols together.
        label: Where the prices come from, in words.

    Raises:
        ConfigurationError: The folder cannot be used; the sentence says what to change.
    """

    def __init__(self, directory: Path, symbols: Sequence[str] | None = None) -> None:
        found = market_files(directory)
        files = found.symbols.values() if symbols is None else _chosen(found, symbols)
        self.folder = found.folder
        self._series = {each.symbol: read_series(each) for each in files}
        self.interval = self._one_interval(found.folder)
        self._step_ms = to_ms(self.interval)
        self._times = np.unique(np.concatenate([series.open_ms for series in self._series.values()]))
        self._rows = {symbol: _positions(series.open_ms, self._times) for symbol, series in self._series.items()}
        self._fundings = _read_fundings([each.funding for each in files])
        self.instruments: Mapping[str, Instrument] = {symbol: series.instrument for symbol, series in self._series.items()}
        self.start, self.end = from_ms(int(self._times[0])), from_ms(int(self._times[-1])) + self.interval
        self.label = self._label(found.folder)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that has bars, by name."""
        return tuple(self._series)

    def series(self, symbol: str) -> Series:
        """Return a symbol's bars as arrays."""
        return self._series[symbol]

    def steps(self, after: datetime, until: datetime) -> Iterator[BarStep]:
        """Yield the steps with after < close_time ≤ until, in time order; a symbol with a gap is missing from its step."""
        first, end = np.searchsorted(self._times, [to_ms(after) - self._step_ms, to_ms(until) - self._step_ms], side="right")
        for index in range(int(first), int(end)):
            opened = from_ms(int(self._times[index]))
            held = ((symbol, int(rows[index])) for symbol, rows in self._rows.items())
            bars = {symbol: self._series[symbol].bar(row) for symbol, row in held if row >= 0}
            yield BarStep(open_time=opened, close_time=opened + self.interval, bars=bars)

    def current(self, symbol: str, at: datetime) -> Bar | None:
        """Return the bar that contains `at` (open_time ≤ at < close_time), or None in a gap or beyond the data."""
        series = self._series[symbol]
        row = series.row_at(at)
        return None if row is None else series.bar(row)

    def fundings(self, after: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """Return the fundings with after < time ≤ until, oldest first; `mark_price` is the mark at that time, on its tick."""
        first, end = np.searchsorted(self._fundings.times, [to_ms(after), to_ms(until)], side="right")
        found = (self._funding(row) for row in range(int(first), int(end)))
        return tuple(funding for funding in found if funding is not None)

    def next_funding_time(self, symbol: str, at: datetime) -> datetime | None:
        """Return the time of the first funding after `at`; the schedule is public, its rate is not."""
        index = self.symbols.index(symbol)
        first = int(np.searchsorted(self._fundings.times, to_ms(at), side="right"))
        later = np.flatnonzero(self._fundings.symbols[first:] == index)
        return from_ms(int(self._fundings.times[first + later[0]])) if len(later) else None

    def candles(
        self, symbol: str, interval: timedelta, end: datetime, limit: int, *, mark: bool = False, since: datetime | None = None
    ) -> tuple[Candle, ...]:
        """Return the last `limit` closed candles that end at or before `end`, oldest first; with `since` the first ones.

        Args:
            symbol: One of `symbols`.
            interval: The archive's, or a multiple of it that divides a day; then they are put together from the finer ones.
            end: Nothing after it is looked at.
            limit: ≥ 0.
            mark: Of the mark price (without volume) instead of the last price.
            since: Where given, only candles that open then or later.

        Raises:
            ValueError: The interval is not one of those.
        """
        self._check(interval)
        series, wide_ms = self._series[symbol], to_ms(interval)
        last_end = to_ms(end) // wide_ms * wide_ms
        stop = int(np.searchsorted(series.open_ms, last_end, side="left"))
        groups = series.open_ms[:stop] // wide_ms
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        hours = series.hours if mark and wide_ms == HOUR_MS else None
        if since is None:
            return _joined(series, starts[-limit:] if limit else starts[:0], stop, interval, mark, hours)
        first = int(np.searchsorted(groups[starts] * wide_ms, to_ms(since), side="left"))
        ends = np.append(starts, stop)
        last = min(first + limit, len(starts))
        return _joined(series, starts[first:last], int(ends[last]), interval, mark, hours)

    def forming(self, symbol: str, interval: timedelta, at: datetime, *, mark: bool = False) -> Candle | None:
        """Return what is known at `at` of the candle that contains it: its closed finer bars, and the open of the present one.

        None where the symbol has neither. A fresh candle has its open as all four prices and no volume.

        Raises:
            ValueError: The interval is not the archive's or a multiple of it that divides a day.
        """
        self._check(interval)
        series, wide_ms = self._series[symbol], to_ms(interval)
        begin, now = to_ms(at) // wide_ms * wide_ms, to_ms(at)
        first = int(np.searchsorted(series.open_ms, begin, side="left"))
        closed = int(np.searchsorted(series.open_ms, now - self._step_ms, side="right"))
        starts = np.array([first] if closed > first else [], np.int64)
        known = next(iter(_joined(series, starts, closed, interval, mark)), None)
        row = series.row_at(at)
        if row is None:
            return known
        price = int((series.mark if mark else series.trade).open[row]) * series.instrument.tick_size
        return _extended(known, price, from_ms(begin), interval)

    def jump(self, symbol: str, after: datetime, factor: Decimal) -> datetime:
        """Scale every price of a symbol, the mark's too, from its first bar that opens after an instant; return that bar's open.

        Args:
            symbol: One of `symbols`.
            after: Nothing up to it is changed.
            factor: > 0; jumps multiply up.

        Raises:
            ValueError: The candles end before.
        """
        series = self._series[symbol]
        row = int(np.searchsorted(series.open_ms, to_ms(after), side="right"))
        if row == len(series.open_ms):
            raise ValueError(f"{symbol} has no bar after {after.isoformat()}")
        self._series[symbol] = series.jumped(row, factor)
        return from_ms(int(series.open_ms[row]))

    def _check(self, interval: timedelta) -> None:
        if interval < self.interval or interval % self.interval or interval > DAY or DAY % interval:
            raise ValueError(f"candles of {interval_name(interval)} cannot be made of {interval_name(self.interval)}")

    def _funding(self, row: int) -> FundingRate | None:
        symbol = self.symbols[int(self._fundings.symbols[row])]
        time = from_ms(int(self._fundings.times[row]))
        mark = self._series[symbol].mark_at(time)
        if mark is None:
            return None
        return FundingRate(symbol=symbol, time=time, rate=int(self._fundings.rates[row]) * RATE_UNIT, mark_price=mark)

    def _one_interval(self, directory: Path) -> timedelta:
        found = {series.interval: symbol for symbol, series in self._series.items()}
        if len(found) > 1:
            named = ", ".join(f"{symbol} {interval_name(interval)}" for interval, symbol in found.items())
            raise ConfigurationError(f"{directory} mixes candle intervals ({named}): keep one interval in a folder")
        return next(iter(found))

    def _label(self, directory: Path) -> str:
        note = directory / "market.json"
        if note.is_file():
            try:
                market = json.loads(note.read_text(encoding="utf-8"))
                return f"{market['source']} market, seed {market['seed']}"
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigurationError(
                    f"{note} does not say source and seed: remove it or generate the market again"
                ) from error
        last = self.end - timedelta(milliseconds=1)
        return f"recorded candles ({interval_name(self.interval)}, {self.start:%Y-%m-%d} to {last:%Y-%m-%d})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fundings:
    """All symbols' fundings by time, then symbol: times in ms, index of the symbol, rate in `RATE_UNIT`."""

    times: Integers
    symbols: Integers
    rates: Integers


def _chosen(found: MarketFiles, symbols: Sequence[str]) -> list[SymbolFiles]:
    missing = [symbol for symbol in symbols if symbol not in found.symbols]
    if missing:
        raise ConfigurationError(f"{found.folder} has no candles of {missing[0]}: it has {', '.join(found.symbols)}")
    return [found.symbols[symbol] for symbol in sorted(set(symbols))]


def _positions(own: Integers, every: Integers) -> Integers:
    """Return, for each of all times, the row of the symbol's bar; -1 where it has a gap."""
    rows = np.full(len(every), -1, np.int64)
    rows[np.searchsorted(every, own)] = np.arange(len(own))
    return rows


def _read_fundings(files: Sequence[Sequence[Path]]) -> _Fundings:
    """Return the fundings of all symbols, of each its files."""
    times, indexes, rates = ([np.empty(0, np.int64)] for _ in range(3))
    for index, paths in enumerate(files):
        if paths:
            own_times, (own_rates,) = read_columns(paths, "funding_time", ("funding_rate",))
            known = np.isfinite(own_rates)
            times.append(own_times[known])
            indexes.append(np.full(int(known.sum()), index))
            rates.append(np.rint(own_rates[known] / float(RATE_UNIT)).astype(np.int64))
    every_time, every_index = np.concatenate(times), np.concatenate(indexes)
    order = np.lexsort((every_index, every_time))
    return _Fundings(times=every_time[order], symbols=every_index[order], rates=np.concatenate(rates)[order])


def _joined(
    series: Series, starts: Integers, stop: int, interval: timedelta, mark: bool, hours: MarkHours | None = None
) -> tuple[Candle, ...]:
    """Return candles put together from the rows between one start and the next, the last one up to `stop`.

    Args:
        hours: Those to be told instead, where all of the candles have closed.
    """
    if not len(starts):
        return ()
    columns: Columns = series.mark if mark else series.trade
    tick, step, wide_ms = series.instrument.tick_size, series.instrument.step_size, to_ms(interval)
    open_ms, ends = series.open_ms[starts] // wide_ms * wide_ms, np.append(starts[1:], stop)
    candles = Columns(
        open=columns.open[starts],
        high=np.maximum.reduceat(columns.high[:stop], starts),
        low=np.minimum.reduceat(columns.low[:stop], starts),
        close=columns.close[ends - 1],
    )
    if hours is not None:
        candles = hours.in_place_of(candles, open_ms)
    volumes = np.zeros_like(starts) if mark else np.add.reduceat(series.volume[:stop], starts)
    prices = (candles.open, candles.high, candles.low, candles.close)
    rows = zip(*(column.tolist() for column in (open_ms, *prices, volumes)), strict=True)
    return tuple(
        Candle(
            open_time=(opened := from_ms(opened_ms)),
            close_time=opened + interval,
            open=o * tick,
            high=h * tick,
            low=low * tick,
            close=c * tick,
            volume=volume * step,
        )
        for opened_ms, o, h, low, c, volume in rows
    )


def _extended(known: Candle | None, price: Decimal, opened: datetime, interval: timedelta) -> Candle:
    """Return a forming candle that has just reached `price`."""
    return Candle(
        open_time=opened,
        close_time=opened + interval,
        open=known.open if known else price,
        high=max(known.high, price) if known else price,
        low=min(known.low, price) if known else price,
        close=price,
        volume=known.volume if known else Decimal(0),
    )
