"""What three old rules want, of hourly closes alone: every hour's answer, and what of it is acted upon.

A close is known when its hour is over, never before; a decision sees those that are known when its bar opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from arena.adapters.recorded.files import Floats, Integers
from arena.adapters.recorded.series import HOUR_MS, Series, to_ms
from arena.analysis.indicators import rsi
from arena.analysis.talib_alone import talib
from arena.replay.decisions import FLAT, HOLD, LONG, Wants
from arena.replay.tape import SHOWN, TRADED, Flags, Tape

WARM_UP_HOURS = 300  # before a season, after which it no longer matters where an average began
_SAME = 1e-9  # of the price; averages of a market that stands still differ by less

Rule = Callable[[Floats], Wants]


def hourly_closes(series: Series) -> tuple[Integers, Floats]:
    """Return when each hour's close was known (ms of Unix time), and the close, USDT; hours without a bar are left out.

    Of bars that are longer than an hour these are their own closes.
    """
    hours = series.open_ms // HOUR_MS
    last = np.flatnonzero(np.diff(hours, append=hours[-1] + 1))
    known: Integers = np.maximum((hours[last] + 1) * HOUR_MS, series.open_ms[last] + to_ms(series.interval))
    close = (series.trade.close[last] * float(series.instrument.tick_size)).astype(np.float64)
    return known, close


def ema_cross(close: Floats) -> Wants:
    """Return LONG for every hour in which the average of 12 hours (EMA) lies above that of 26, FLAT where below, else HOLD."""
    return _sided(talib().EMA(close, 12) - talib().EMA(close, 26), close)


def macd(close: Floats) -> Wants:
    """Return LONG for every hour in which MACD (12, 26) lies above its signal (9), FLAT where below, else HOLD."""
    line, signal, _ = talib().MACD(close, 12, 26, 9)
    return _sided(line - signal, close)


def strength(close: Floats) -> Wants:
    """Return LONG for every hour in which RSI(14) lies below 30, FLAT where above 70, else HOLD."""
    found = rsi(close, 14)
    return _as_wants(found < 30, found > 70)


def acted_upon(rule: Rule, series: Series, tape: Tape, column: int, decisions: Integers) -> Wants:
    """Return what a rule wants of a symbol at every bar of a tape: LONG or FLAT where it changes its mind, else HOLD.

    It is flat when the season begins. What it wants while the symbol is not traded waits for the next decision when it is; what
    the venue refuses is not asked for again until the rule has wanted to be flat.

    Args:
        rule: Of hourly closes, length H, what each hour says.
        series: The symbol's history, what lies before the tape included.
        tape: The season's bars, length T.
        column: Of the symbol.
        decisions: Bars.

    Returns:
        Length T.
    """
    known, close = hourly_closes(series)
    begin = int(np.searchsorted(known, tape.bars.open_ms[0] - WARM_UP_HOURS * HOUR_MS))
    said = np.append(rule(close[begin:]) if len(close) > begin else np.empty(0, np.int8), HOLD)  # the last for no close at all
    newest = np.searchsorted(known[begin:], tape.bars.open_ms[decisions], side="right") - 1
    kept = np.where(newest < 0, HOLD, said[newest])
    last = np.maximum.accumulate(np.where(kept != HOLD, np.arange(len(kept)), -1))
    state = np.where(last < 0, FLAT, kept[last])
    tradable = traded(tape, column)[decisions]
    bars, state = decisions[tradable], state[tradable]
    changed = state != np.concatenate([[FLAT], state[:-1]])
    wants = np.full(len(tape), HOLD, np.int8)
    wants[bars[changed]] = state[changed]
    return wants


def held(tape: Tape, column: int, decisions: Integers) -> Wants:
    """Return what somebody wants who buys at the first decision and keeps it, bar by bar."""
    wants = np.full(len(tape), HOLD, np.int8)
    wants[decisions[traded(tape, column)[decisions]][:1]] = LONG
    return wants


def traded(tape: Tape, column: int) -> Flags:
    """Return in which bars a symbol is traded, length T."""
    found: Flags = tape.bars.field[:-1, column, SHOWN] == TRADED
    return found


def _sided(gap: Floats, close: Floats) -> Wants:
    same = _SAME * close
    return _as_wants(gap > same, gap < -same)


def _as_wants(long: Flags, flat: Flags) -> Wants:
    return np.where(long, LONG, np.where(flat, FLAT, HOLD)).astype(np.int8)


RULES: Mapping[str, tuple[Rule, str]] = {
    "EMA cross": (ema_cross, "long while the 12-hour EMA of hourly closes lies above the 26-hour one"),
    "RSI": (strength, "long from an RSI(14) of hourly closes below 30 until one above 70"),
    "MACD": (macd, "long while the MACD (12, 26) of hourly closes lies above its 9-hour signal"),
}
