"""Figures of what a competitor traded: profit factor, win rate, turnover and exposure, each with its 90 % interval."""

from __future__ import annotations

from math import sqrt

import numpy as np

from arena.analysis.days import FEWEST_DAYS, by_day
from arena.analysis.performance import LEVEL, Measure
from arena.analysis.resampling import Floats, Interval, interval


def traded(
    *, pnls: Floats, worth: Floats, held: Floats, equity: Floats, capital: float, steps_a_day: int, seed: int
) -> dict[str, Measure]:
    """Return win rate, profit factor, turnover and exposure by name; the arguments are those of the functions below."""
    return {
        "win_rate": win_rate(pnls),
        "profit_factor": profit_factor(pnls, seed=seed),
        "turnover": turnover(worth, capital=capital, steps_a_day=steps_a_day),
        "exposure": exposure(held, equity, steps_a_day=steps_a_day),
    }


def profit_factor(pnls: Floats, *, seed: int, repetitions: int = 2_000) -> Measure:
    """Return what the winning trades made over what the losing ones lost; None without a loss.

    Args:
        pnls: Shape (N,), net of closed trades, USDT. They are resampled as if independent of each other.
        seed: ≥ 0.
        repetitions: Resamples for the interval.
    """
    value = float(_factors(pnls[None, :])[0])
    if not np.isfinite(value):
        return Measure(value=None, interval=None)
    from arch.bootstrap import IIDBootstrap

    draws = IIDBootstrap(np.arange(len(pnls)), seed=seed)
    factors = np.concatenate([_factors(pnls[None, np.asarray(draws.update_indices())]) for _ in range(repetitions)])
    return Measure(value=value, interval=interval(factors, LEVEL))


def win_rate(pnls: Floats) -> Measure:
    """Return the share of closed trades that made money, 0 to 1, with Wilson's (1927) interval; None without trades.

    Args:
        pnls: Shape (N,), net, USDT.
    """
    trades = len(pnls)
    if not trades:
        return Measure(value=None, interval=None)
    from scipy.stats import norm

    z = float(norm.ppf((1 + LEVEL) / 2))
    rate = float((pnls > 0).mean())
    middle = (rate + z**2 / (2 * trades)) / (1 + z**2 / trades)
    half = z / (1 + z**2 / trades) * sqrt(rate * (1 - rate) / trades + z**2 / (4 * trades**2))
    return Measure(value=rate, interval=Interval(low=max(middle - half, 0.0), high=min(middle + half, 1.0)))


def turnover(traded: Floats, *, capital: float, steps_a_day: int) -> Measure:
    """Return what was traded a day, in capitals; None without steps.

    Args:
        traded: Shape (T,), notional of the fills of each step, USDT, both ways.
        capital: USDT.
        steps_a_day: 24 where a step is an hour.
    """
    return _of_days(traded / capital * steps_a_day, steps_a_day)


def exposure(held: Floats, equity: Floats, *, steps_a_day: int) -> Measure:
    """Return what was held on average, in equities: 2 is a gross leverage of two; None without steps.

    Args:
        held: Shape (T,), sum of the positions' absolute notionals at each step, USDT.
        equity: Shape (T,), USDT; where it is 0 or below, nothing is held.
        steps_a_day: 24 where a step is an hour.
    """
    return _of_days(np.divide(held, equity, out=np.zeros(len(held)), where=equity > 0), steps_a_day)


def _factors(pnls: Floats) -> Floats:
    """Return the profit factor of each row; nan or infinite without a loss."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(pnls, 0).sum(axis=1) / -np.minimum(pnls, 0).sum(axis=1))


def _of_days(series: Floats, steps_a_day: int) -> Measure:
    """Return the mean of what cannot be negative, with a t interval from the means of whole days."""
    if not len(series):
        return Measure(value=None, interval=None)
    value = float(series.mean())
    daily = by_day(series[:, None], steps_a_day)[:, 0] / steps_a_day
    if len(daily) < FEWEST_DAYS:
        return Measure(value=value, interval=None)
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, len(daily) - 1)) * float(daily.std(ddof=1)) / sqrt(len(daily))
    return Measure(value=value, interval=Interval(low=max(value - half, 0.0), high=value + half))
