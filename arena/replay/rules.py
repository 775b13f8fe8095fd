"""What simple rules want, bar by bar, computed over a whole series at once."""

from __future__ import annotations

import numpy as np

from arena.adapters.recorded.files import Floats
from arena.replay.decisions import FLAT, HOLD, LONG, Wants
from arena.replay.machine import compiled
from arena.replay.threads import in_threads


def relative_strength(close: Floats, length: int) -> Floats:
    """Return Wilder's relative strength index, 0 to 100; NaN for the first `length` bars.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978); first averages are plain means, as in TA-Lib.
    """
    found = np.full(len(close), np.nan)
    _follow_strength(close, length, found)
    return found


@compiled
def _follow_strength(close: Floats, length: int, found: Floats) -> None:
    gain = loss = 0.0
    new = 1.0 / length
    for bar in range(1, len(close)):
        move = close[bar] - close[bar - 1]
        old = 1.0 if bar <= length else 1.0 - new  # first a sum of shares, which is a plain mean
        gain = gain * old + max(move, 0.0) * new
        loss = loss * old + max(-move, 0.0) * new
        if bar >= length:
            found[bar] = 100 * gain / (gain + loss) if gain + loss > 0 else 50.0


def buys_weakness(close: Floats, length: int = 14, low: float = 30, high: float = 70) -> Wants:
    """Return what a rule wants that is long from a relative strength below `low` until one above `high`.

    Args:
        close: Closes, shape (T, S), fastest with each symbol's side by side.
        length: Of the index, bars.
        low, high: 0 to 100.

    Returns:
        Shape (T, S); what is wanted when a bar opens follows from the closes before it.
    """
    wants = np.full(close.shape, HOLD, np.int8)

    def follow(symbol: int) -> None:
        strength = relative_strength(np.ascontiguousarray(close[:-1, symbol]), length)
        wants[1:, symbol][strength < low] = LONG
        wants[1:, symbol][strength > high] = FLAT

    in_threads(follow, range(close.shape[1]))
    return wants
