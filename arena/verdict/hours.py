"""Everybody's equity on one grid of hours: what statistics need where cycles come as they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from arena.analysis.resampling import Floats
from arena.verdict.rows import Row

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SILENCE = 3  # intervals without a booked cycle are a gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time without a booked cycle; positions live on in it, and what they make of it falls on the hour that ends it."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Equity of a season's competitors.

    Attributes:
        llm_ids: In the order of the columns.
        times: From the first cycle on, a step apart, and the end of the last cycle's interval, UTC. Length T + 1; empty before
            the first cycle.
        step: An hour, or the time between two cycles where that is longer.
        capital: USDT; length K.
        equity: USDT, shape (T + 1, K), as of the last cycle at or before each time; the first row is the capital.
        gaps: Times without a booked cycle, longer than `SILENCE` intervals and an hour.
        observed: Time that is not in a gap.
    """

    llm_ids: tuple[str, ...]
    times: tuple[datetime, ...]
    step: timedelta
    capital: Floats
    equity: Floats
    gaps: tuple[Gap, ...]
    observed: timedelta

    @property
    def steps_a_day(self) -> int:
        """Steps in 24 hours, at least 1."""
        return max(1, round(DAY / self.step))

    @property
    def days(self) -> float:
        """Days with data."""
        return self.observed / DAY

    @property
    def gains(self) -> Floats:
        """Change of equity in each step as a fraction of the capital, shape (T, K); the sums are the ROIs."""
        found: Floats = np.diff(self.equity, axis=0) / self.capital
        return found


def hours(cycles: Sequence[Row], points: Sequence[Row], competitors: Sequence[Row], interval: timedelta) -> Hours:
    """Return the grid of a season; one time alone where no cycle has been booked.

    Args:
        cycles: Rows, booked or not.
        points: Rows of `equity_points`; a cycle's last one counts, and so does that of a sweep after it.
        competitors: Rows.
        interval: Between two cycles.
    """
    ids = tuple(row["llm_id"] for row in competitors)
    capital = np.array([float(row["capital"]) for row in competitors])
    step = max(HOUR, interval)
    booked = sorted(datetime.fromisoformat(row["scheduled_at"]) for row in cycles if row["status"] == "booked")
    if not booked:
        return Hours(llm_ids=ids, times=(), step=step, capital=capital, equity=capital[None], gaps=(), observed=timedelta(0))
    start, end = booked[0], booked[-1] + interval
    times = (*(start + number * step for number in range(-((start - end) // step))), end)
    by_name = _by_competitor(points)
    columns = [_sampled(by_name[name], worth, times) for name, worth in zip(ids, capital, strict=True)]
    gaps = _gaps(booked, interval)
    return Hours(
        llm_ids=ids,
        times=times,
        step=step,
        capital=capital,
        equity=np.column_stack(columns),
        gaps=gaps,
        observed=end - start - sum((gap.until - gap.since for gap in gaps), timedelta(0)),
    )


def _by_competitor(points: Sequence[Row]) -> defaultdict[str, list[tuple[float, float]]]:
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in points:
        found[row["llm_id"]].append((datetime.fromisoformat(row["time"]).timestamp(), float(row["equity"])))
    return found


def _sampled(points: Sequence[tuple[float, float]], capital: float, times: Sequence[datetime]) -> Floats:
    """Return the newest equity at each time; the capital at the first, and the very newest at the last."""
    if not points:
        return np.full(len(times), capital)
    known, worth = (np.array(each) for each in zip(*points, strict=True))
    newest = np.searchsorted(known, [time.timestamp() for time in times], side="right") - 1
    found = np.where(newest >= 0, worth[newest], capital)
    found[0], found[-1] = capital, worth[-1]
    return found


def _gaps(booked: Sequence[datetime], interval: timedelta) -> tuple[Gap, ...]:
    longest = max(SILENCE * interval, HOUR)
    return tuple(Gap(since=before + interval, until=after) for before, after in pairwise(booked) if after - before > longest)
