"""A market as arrays of whole ticks: one row a bar of the grid, one column a symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arena.adapters.recorded import CandleArchive
from arena.adapters.recorded.files import Floats, Integers
from arena.adapters.recorded.series import PRICES, Columns, from_ms, to_ms
from arena.domain.instrument import Instrument
from arena.errors import ConfigurationError
from arena.replay.machine import numbers

Flags = npt.NDArray[np.bool_]
Ticks = npt.NDArray[np.int32]


OPEN, HIGH, LOW, MARK, MARK_LOW, MARK_HIGH, SHOWN = numbers(7)  # fields of a bar
ABSENT, STILL, TRADED = range(3)  # what SHOWN says: no bar, one without volume, one with
WIDTH = 8  # numbers kept of a bar, the last unused: with 32 bits each, no symbol's bar lies on two lines of the processor's cache
HIGHEST_PRICE = 2**31 - 1  # ticks


class Bars(NamedTuple):
    """Bars of all symbols on one grid of times; a NamedTuple, because compiled code takes it as it is.

    Attributes:
        field: Shape (T + 1, S, 8), ticks: open, high and low of the last price, 0 where the symbol has no bar; what the mark is
            when the bar opens, and its low and high inside, all three the last close in a gap; what is shown. The row behind the
            last bar has only the mark at the end.
        open_ms: Open times, ms of Unix time, evenly spaced; length T.
        funding: Shape (F, 3), by time: ms, column of the symbol, mark in ticks.
        funding_rate: Fractions; length F.
    """

    field: Ticks
    open_ms: Integers
    funding: Integers
    funding_rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """A market.

    Attributes:
        symbols: In the order of the columns.
        interval_ms: Length of a bar.
        close: Of the last price, shape (T, S), ticks; 0 where the symbol has no bar. Each symbol's lie side by side.
    """

    symbols: tuple[str, ...]
    instruments: Mapping[str, Instrument]
    interval_ms: int
    bars: Bars
    close: Integers

    def __len__(self) -> int:
        return len(self.bars.open_ms)


def read_tape(archive: CandleArchive, start: datetime | None = None, end: datetime | None = None) -> Tape:
    """Return an archive's market from the bar that opens at `start` (its first) to the one before `end` (its last).

    Raises:
        ConfigurationError: A price has more ticks than 32 bits hold.
    """
    step = to_ms(archive.interval)
    first, last = to_ms(start or archive.start), to_ms(end or archive.end)
    grid = np.arange(first, last, step, dtype=np.int64)
    shape = (len(grid), len(archive.symbols))
    trade, marks = (Columns(**{name: np.zeros(shape, np.int64) for name in PRICES}) for _ in range(2))
    present, trades = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    before = np.zeros(shape[1], np.int64)
    for column, symbol in enumerate(archive.symbols):
        series = archive.series(symbol)
        rows = np.flatnonzero((series.open_ms >= first) & (series.open_ms < last))
        at = (series.open_ms[rows] - first) // step
        present[at, column], trades[at, column] = True, series.volume[rows] > 0
        for name in PRICES:
            getattr(trade, name)[at, column] = getattr(series.trade, name)[rows]
            getattr(marks, name)[at, column] = getattr(series.mark, name)[rows]
        earlier = int(np.searchsorted(series.open_ms, first))
        before[column] = series.mark.close[earlier - 1] if earlier else 0
    mark = _marks(marks, present, before)
    if max(trade.high.max(), marks.high.max(), mark.max()) > HIGHEST_PRICE:
        raise ConfigurationError(f"{archive.label} has a price of more than {HIGHEST_PRICE} ticks: leave that symbol out")
    field = np.zeros((len(grid) + 1, shape[1], WIDTH), np.int32)
    field[:, :, MARK] = mark
    inside = {OPEN: trade.open, HIGH: trade.high, LOW: trade.low, SHOWN: present * STILL + trades * (TRADED - STILL)}
    inside |= {MARK_LOW: np.where(present, marks.low, mark[:-1]), MARK_HIGH: np.where(present, marks.high, mark[:-1])}
    for each, values in inside.items():
        field[:-1, :, each] = values
    return Tape(
        symbols=archive.symbols,
        instruments=archive.instruments,
        interval_ms=step,
        bars=Bars(field, grid, *_fundings(archive, first, last)),
        close=np.asfortranarray(trade.close),
    )


def part_of(tape: Tape, symbols: Sequence[str]) -> Tape:
    """Return the market of some of a tape's symbols, in the order in which they are named."""
    columns = [tape.symbols.index(symbol) for symbol in symbols]
    bars = tape.bars
    kept = np.flatnonzero(np.isin(bars.funding[:, 1], columns))
    funding = bars.funding[kept]
    funding[:, 1] = [columns.index(column) for column in funding[:, 1].tolist()]
    return Tape(
        symbols=tuple(symbols),
        instruments={symbol: tape.instruments[symbol] for symbol in symbols},
        interval_ms=tape.interval_ms,
        bars=Bars(np.ascontiguousarray(bars.field[:, columns]), bars.open_ms, funding, bars.funding_rate[kept]),
        close=np.asfortranarray(tape.close[:, columns]),
    )


def _marks(marks: Columns, present: Flags, before: Integers) -> Integers:
    """Return the mark at each bar's open and at the end: a gap keeps the last close."""
    known = np.vstack([np.ones(len(before), np.bool_), present])
    closed = np.vstack([before, marks.close])
    newest = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], 0), axis=0)
    last_close = np.take_along_axis(closed, newest, axis=0)
    return np.vstack([np.where(present, marks.open, last_close[:-1]), last_close[-1:]])


def _fundings(archive: CandleArchive, first: int, last: int) -> tuple[Integers, Floats]:
    found = archive.fundings(from_ms(first), from_ms(last))
    columns = {symbol: column for column, symbol in enumerate(archive.symbols)}
    ticks = {symbol: archive.instruments[symbol].tick_size for symbol in columns}
    rows = [(to_ms(each.time), columns[each.symbol], int(each.mark_price / ticks[each.symbol])) for each in found]
    return np.array(rows, np.int64).reshape(-1, 3), np.array([float(each.rate) for each in found])
