"""A competitor's equity over a season, in a memory that does not grow with it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from arena.analysis.charts import thinned

MOST = 20_000  # points; beyond, every second is let go of but the highs and lows
FEWEST = 5  # first, last, high, low and the deepest fall


class EquityCurve:
    """Points in time order.

    Args:
        capital: USDT; the first high.
    """

    def __init__(self, capital: str) -> None:
        self._times = array("d")  # seconds since 1970, UTC
        self._equity: list[str] = []
        self._drawdown = array("d")  # percent, ≤ 0: below the highest point so far, also of those that were let go of
        self._high = Decimal(capital)

    def __len__(self) -> int:
        return len(self._equity)

    def add(self, time: str, equity: str) -> None:
        """Add the next point."""
        worth = Decimal(equity)
        self._high = max(self._high, worth)
        self._times.append(datetime.fromisoformat(time).timestamp())
        self._equity.append(equity)
        self._drawdown.append(float(100 * (worth - self._high) / self._high))
        if len(self) > MOST:
            self._keep(self._thinned(0, len(self), MOST // 2))

    def points(self, since: datetime | None, until: datetime | None, most: int) -> list[tuple[str, str, str]]:
        """Return (time, equity, drawdown in percent) of at most `most` points (≥ 5) between two times, extremes kept."""
        start = 0 if since is None else bisect_left(self._times, since.timestamp())
        end = len(self) if until is None else bisect_right(self._times, until.timestamp())
        chosen = self._thinned(start, max(start, end), most)
        return [
            (iso(datetime.fromtimestamp(self._times[at], UTC)), self._equity[at], f"{self._drawdown[at]:.4f}") for at in chosen
        ]

    def _thinned(self, start: int, end: int, most: int) -> Sequence[int]:
        if end - start <= most:
            return range(start, end)
        values = np.array([float(each) for each in self._equity[start:end]], dtype=float)
        deepest = int(np.argmin(self._drawdown[start:end]))  # it may be above the low that was before a later high
        return sorted(start + int(at) for at in {*thinned(values, most - 1), deepest})

    def _keep(self, chosen: Sequence[int]) -> None:
        self._times = array("d", (self._times[at] for at in chosen))
        self._drawdown = array("d", (self._drawdown[at] for at in chosen))
        self._equity = [self._equity[at] for at in chosen]


def iso(moment: datetime) -> str:
    """Return a time as the API tells it, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
