"""Whole days: what is next to independent of what went before, and so what tests and intervals of means count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST_DAYS = 5  # with fewer, a t distribution says more about its own assumptions than about the data


def by_day(series: NDArray[np.float64], steps_a_day: int) -> NDArray[np.float64]:
    """Return the sums of each whole day, shape (days, N), 24 hours each from the first step; a last part of a day is left out.

    Args:
        series: Shape (T, N).
        steps_a_day: ≥ 1.
    """
    whole = len(series) // steps_a_day
    return np.asarray(series[: whole * steps_a_day].reshape(whole, steps_a_day, series.shape[1]).sum(axis=1))
