"""What each competitor traded and held by the hour, and what its closed trades came to: what figures of trading are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.analysis.resampling import Floats
from arena.application.tally import net_pnl
from arena.verdict.hours import Hours
from arena.verdict.rows import Tables


def trades_of(tables: Tables, grid: Hours) -> list[dict[str, Any]]:
    """Return what `trading.traded` is asked about each competitor of a season that has begun, in the order of the grid."""
    return [
        {
            "pnls": np.array([float(net_pnl(row)) for row in tables["closed_trades"] if row["llm_id"] == llm_id]),
            "worth": _traded(tables, grid, llm_id),
            "held": _held(tables, grid, llm_id),
            "equity": grid.equity[1:, column],
            "capital": float(grid.capital[column]),
            "steps_a_day": grid.steps_a_day,
            "seed": column,
        }
        for column, llm_id in enumerate(grid.llm_ids)
    ]


def _traded(tables: Tables, grid: Hours, llm_id: str) -> Floats:
    """Return the notional of a competitor's fills in each step, USDT."""
    found = np.zeros(len(grid.times) - 1)
    own = [row for row in tables["fills"] if row["llm_id"] == llm_id]
    np.add.at(found, _steps(grid, [row["time"] for row in own]), [float(row["quantity"]) * float(row["price"]) for row in own])
    return found


def _held(tables: Tables, grid: Hours, llm_id: str) -> Floats:
    """Return the absolute notional that a competitor holds in each step, USDT: the mean over the step's cycles."""
    by_cycle: defaultdict[str, float] = defaultdict(float)
    for row in tables["position_points"]:
        if row["llm_id"] == llm_id:
            by_cycle[row["time"]] += abs(float(row["signed_quantity"])) * float(row["mark_price"])
    worth, points = np.zeros(len(grid.times) - 1), np.zeros(len(grid.times) - 1)
    times = [row["time"] for row in tables["equity_points"] if row["llm_id"] == llm_id]
    steps = _steps(grid, times)
    np.add.at(points, steps, 1)
    np.add.at(worth, steps, [by_cycle[time] for time in times])
    known = np.maximum.accumulate(np.where(points > 0, np.arange(len(points)), 0))  # in a gap, as before it
    return np.asarray(worth[known] / np.maximum(points[known], 1))


def _steps(grid: Hours, times: Sequence[str]) -> NDArray[np.int64]:
    """Return in which step each time lies."""
    edges = [time.timestamp() for time in grid.times]
    moments = [datetime.fromisoformat(time).timestamp() for time in times]
    return np.clip(np.searchsorted(edges, moments, side="right") - 1, 0, len(edges) - 2).astype(np.int64)
