"""Seasons as they might have gone: the season's own steps drawn anew in blocks, as arch draws them.

Blocks (a stationary bootstrap: Politis & Romano, 1994) keep what hangs together in time. All contestants of a resample get the
same steps: what they owe to a common market stays common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUNDING = 1e-12  # a part of the capital; a series that varies by no more than that stands still

_AT_ONCE = 12_000  # columns of resamples in memory
_FEWEST_STEPS = 20  # with fewer, no autocorrelation can be estimated
_MOST_UNDEFINED = 0.05  # of the resamples; with more, an interval's ends are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where a figure may lie.

    Attributes:
        low, high: In the figure's own unit.
    """

    low: float
    high: float


def load_statistics() -> None:
    """Load the libraries that resamples and tests need, before they are needed."""
    import_module("arch.bootstrap")
    import_module("scipy.stats")


def block_length(series: Floats, steps_a_day: int) -> int:
    """Return how many steps a block should have on average: at least a day's, at most a fifth of all, and at least 1.

    In between it is the longest that Politis & White (2004; corrected by Patton et al., 2009) find for one of the series.

    Args:
        series: Shape (T, N).
        steps_a_day: ≥ 1.
    """
    length = len(series)
    longest = max(length // 5, 1)
    moving = series[:, np.ptp(series, axis=0) > ROUNDING] if length >= _FEWEST_STEPS else series[:, :0]
    found = float(steps_a_day)
    if moving.shape[1]:
        from arch.bootstrap import optimal_block_length

        with np.errstate(all="ignore"):  # an estimate that divides by zero is no estimate
            lengths = optimal_block_length(moving)["stationary"].to_numpy()
        found = max([found, *lengths[np.isfinite(lengths)].tolist()])
    return min(round(found), longest)


def resampled_steps(length: int, columns: int, *, block: int, seed: int, repetitions: int) -> Iterator[Integers]:
    """Yield the steps that resamples are made of, shape (R, length): one row a resample, entries are rows of `gains`.

    R is such that what is computed of so many columns at a time stays near the processor.

    Args:
        length: Of the season, steps ≥ 1.
        columns: Of the gains, ≥ 1.
        block: Mean length of a block, steps ≥ 1.
        seed: The same one draws the same steps.
        repetitions: Resamples in all.
    """
    from arch.bootstrap import StationaryBootstrap

    draws = StationaryBootstrap(block, np.arange(length), seed=seed)
    at_once = max(1, _AT_ONCE // columns)
    for begin in range(0, repetitions, at_once):
        yield np.stack([draws.update_indices() for _ in range(min(at_once, repetitions - begin))])


def resampled_sums(gains: Floats, *, block: int, seed: int, repetitions: int) -> Floats:
    """Return the ROIs of resampled seasons, fraction, shape (repetitions, K).

    Args:
        gains: Shape (T, K), fraction of the capital a step.
        block, seed, repetitions: As for `resampled_steps`.
    """
    length = len(gains)
    sums = []
    for steps in resampled_steps(length, gains.shape[1], block=block, seed=seed, repetitions=repetitions):
        counts = np.stack([np.bincount(row, minlength=length) for row in steps])  # a sum does not ask in which order
        sums.append(counts.astype(np.float64) @ gains)
    return np.concatenate(sums)


def interval(values: Floats, level: float) -> Interval | None:
    """Return the percentiles between which the middle of the values lies; None where too many are undefined (nan).

    Args:
        values: One a resample.
        level: Share of the values inside, such as 0.9.
    """
    defined = values[np.isfinite(values)]
    if len(defined) < (1 - _MOST_UNDEFINED) * len(values):
        return None
    low, high = np.percentile(defined, [50 * (1 - level), 50 * (1 + level)])
    return Interval(low=float(low), high=float(high))
