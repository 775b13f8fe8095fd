"""A season's market as the compiled engine sees it: whole bars within the season, and those at whose opens cycles decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from arena.adapters.recorded import CandleArchive
from arena.adapters.recorded.files import Floats, Integers
from arena.adapters.recorded.intervals import interval_name
from arena.adapters.recorded.series import from_ms, to_ms
from arena.domain.instrument import Instrument
from arena.replay.tape import Tape, part_of, read_tape
from arena.verdict.frame import Frame, Unknown

LATE_MS = 60_000  # a cycle that begins so long after a bar's open (half a bar at most) is taken for one that began with it
MISSING_SHARE = 0.05  # of the season (and two bars), for which candles may begin late or end early
_BARS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A season's market.

    Attributes:
        archive: Which has what lies before the season, too.
        tape: The season's symbols in its order, from the first bar that opens in the season to the last that closes in it.
        decisions: Bars at whose opens cycles decide, increasing. Cycles that are shorter than a bar decide once in each; one that
            does not begin with a bar decides at the next bar's open.
        times: At which equity is told, see `Frame.times`; length N.
    """

    frame: Frame
    archive: CandleArchive
    tape: Tape
    decisions: Integers
    times: tuple[datetime, ...]

    def told(self, curve: Floats) -> Floats:
        """Return an equity at `times`, that of the newest bar's open, of one at every bar's open and at the end."""
        moments = np.array([to_ms(each) for each in self.times], np.int64)
        rows = (moments - self.tape.bars.open_ms[0]) // self.tape.interval_ms
        found: Floats = curve[np.clip(rows, 0, len(self.tape))]
        return found


def market_of(frame: Frame, archive: CandleArchive, contracts: Mapping[str, Instrument] | None = None) -> Market | Unknown:
    """Return a season's market; unknown where the candles do not cover the season.

    Args:
        frame: The season.
        archive: Its candles.
        contracts: As the season's venue has them: filters, tiers and fees; the archive's where one is not among them.

    Raises:
        ConfigurationError: A price has more ticks than 32 bits hold.
    """
    step = to_ms(archive.interval)
    late = min(LATE_MS, step // 2)
    first = -((late - to_ms(frame.start)) // step) * step
    last = to_ms(frame.end) // step * step
    if last <= first:
        return Unknown(reason=f"not one candle of {interval_name(archive.interval)} lies within the season")
    for symbol in frame.symbols:
        if fault := _uncovered(archive, symbol, first, last):
            return Unknown(reason=fault)
    begun = np.arange(to_ms(frame.start), to_ms(frame.end), max(step, to_ms(frame.every)), dtype=np.int64)
    decisions = np.unique(-((late + first - begun) // step))
    tape = part_of(read_tape(archive, from_ms(first), from_ms(last)), frame.symbols)
    return Market(
        frame=frame,
        archive=archive,
        tape=replace(tape, instruments=_contracts(tape, contracts or {})),
        decisions=decisions[decisions < len(tape)],
        times=frame.times(),
    )


def _uncovered(archive: CandleArchive, symbol: str, first: int, last: int) -> str:
    """Return what a symbol's candles lack of a season from one instant to another (ms); empty where it is next to nothing."""
    if symbol not in archive.symbols:
        return f"there are no candles of {symbol}"
    step = to_ms(archive.interval)
    missing = max(_BARS * step, int(MISSING_SHARE * (last - first)))
    times = archive.series(symbol).open_ms
    begun, ended = int(times[0]), int(times[-1]) + step
    if begun <= first + missing and ended >= last - missing and begun < last and ended > first:
        return ""
    spans = [f"{from_ms(a):%Y-%m-%d %H:%M} to {from_ms(b):%Y-%m-%d %H:%M}" for a, b in ((begun, ended), (first, last))]
    return f"the candles of {symbol} go from {spans[0]} UTC, the season from {spans[1]}"


def _contracts(tape: Tape, known: Mapping[str, Instrument]) -> dict[str, Instrument]:
    """Return the contracts of a tape's symbols; the tick is always that in which its prices are counted."""
    own: Sequence[Instrument] = [tape.instruments[symbol] for symbol in tape.symbols]
    return {each.symbol: replace(known.get(each.symbol, each), tick_size=each.tick_size) for each in own}
