"""How a competitor did, as an equity path has it, and within what bounds it might have done: Sharpe, Sortino, Calmar, drawdown.

A year has 365 days, and cash earns 0. Sharpe (1994) is the mean return of a step over its standard deviation, Sortino (1994) over
the root mean square of the losses, both times the root of the steps of a year; Calmar (Young, 1991) is the compound annual return
over the maximum drawdown. All are as `empyrical` has them, but what has no finite value is nan here, and in a `Measure` None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from arena.analysis.resampling import Floats, Integers, Interval, block_length, interval, resampled_steps

DAYS_A_YEAR = 365
LEVEL = 0.9  # of all intervals here
SHORTEST_RESAMPLED = 2  # days of steps

_NO_SPREAD = 1e-12  # variance over mean square; less is rounding


class Performance(NamedTuple):
    """Measures of equity paths, arrays of one shape; nan where one is undefined.

    Attributes:
        roi: Fraction of the capital.
        volatility: Standard deviation of the returns, annualised.
        sharpe, sortino, calmar: Annualised; undefined without spread, without a loss and without a drawdown.
        drawdown: The deepest fall from a peak, fraction of that peak, ≥ 0.
    """

    roi: Floats
    volatility: Floats
    sharpe: Floats
    sortino: Floats
    calmar: Floats
    drawdown: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure, and its 90 % interval.

    Attributes:
        value: None where it is undefined.
        interval: None where the data are too few, or too many of their resamples leave the figure undefined.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How one contestant did; the units are those of `Performance`.

    Attributes:
        halved: How likely the equity falls below half of the capital at some time in a season as long as this one, 0 to 1; None
            with less than two days of steps.
    """

    roi: Measure
    volatility: Measure
    sharpe: Measure
    sortino: Measure
    calmar: Measure
    drawdown: Measure
    halved: float | None


def performance(equity: Floats, steps_a_day: int) -> Performance:
    """Return the measures of equity paths, each of shape (K,).

    Args:
        equity: Shape (T + 1, K), in units of the capital: the first row is 1. Once it is 0 or below, further returns are 0.
        steps_a_day: 24 where a step is an hour.
    """
    before = equity[:-1]
    alive = np.minimum.accumulate(before, axis=0) > 0
    returns = np.divide(np.diff(equity, axis=0), before, out=np.zeros_like(before), where=alive)
    return _performance(
        total=returns.sum(axis=0),
        squares=(returns**2).sum(axis=0),
        losses=(np.minimum(returns, 0) ** 2).sum(axis=0),
        end=equity[-1],
        trough=(equity / np.maximum.accumulate(equity, axis=0)).min(axis=0),
        steps=len(returns),
        steps_a_year=steps_a_day * DAYS_A_YEAR,
    )


def measured(gains: Floats, *, steps_a_day: int, seed: int, repetitions: int = 10_000) -> tuple[Measures, ...]:
    """Return how each contestant did, and within what bounds by block bootstrap.

    Args:
        gains: Shape (T, K): change of equity in a step, fraction of the capital.
        steps_a_day: 24 where a step is an hour.
        seed: ≥ 0; the same one gives the same intervals.
        repetitions: Resampled seasons. In them ruin is final: an equity of 0 stays 0.
    """
    columns = gains.shape[1]
    found = performance(np.concatenate([np.ones((1, columns)), 1 + np.cumsum(gains, axis=0)]), steps_a_day)
    paths: list[tuple[Performance, Floats]] = []
    if columns and len(gains) >= SHORTEST_RESAMPLED * steps_a_day:
        block = block_length(gains, steps_a_day)
        for steps in resampled_steps(len(gains), columns, block=block, seed=seed, repetitions=repetitions):
            paths.append(resampled(gains, steps, steps_a_day))
    resamples = [np.concatenate([each[number] for each, _ in paths]) for number in range(len(found))] if paths else None
    halved = (np.concatenate([lowest for _, lowest in paths]) < 0.5).mean(axis=0) if paths else None
    return tuple(
        Measures(
            **{
                name: Measure(
                    value=float(found[number][column]) if np.isfinite(found[number][column]) else None,
                    interval=None if resamples is None else interval(resamples[number][:, column], LEVEL),
                )
                for number, name in enumerate(Performance._fields)
            },
            halved=None if halved is None else float(halved[column]),
        )
        for column in range(columns)
    )


def resampled(gains: Floats, steps: Integers, steps_a_day: int) -> tuple[Performance, Floats]:
    """Return the measures of resampled seasons and each one's lowest equity, all of shape (R, K).

    The paths are walked side by side, a step at a time: what is known of all of them so far stays near the processor.

    Args:
        gains: Shape (T, K), fraction of the capital.
        steps: Shape (R, T), rows of `gains`.
        steps_a_day: 24 where a step is an hour.
    """
    shape = (len(steps), gains.shape[1])
    total, squares, losses = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    equity, peak, trough, lowest = np.ones(shape), np.ones(shape), np.ones(shape), np.ones(shape)
    gain, part, square, ruined = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, bool)
    for rows in np.ascontiguousarray(steps.T):
        gains.take(rows, axis=0, mode="clip", out=gain)
        np.maximum(np.divide(gain, equity, out=part), -1, out=part)
        total += part
        squares += np.multiply(part, part, out=square)
        np.minimum(part, 0, out=part)
        losses += np.multiply(part, part, out=square)
        equity += gain
        np.copyto(equity, -np.inf, where=np.less_equal(equity, 0, out=ruined))  # no gain moves it, and its returns are 0
        np.minimum(lowest, equity, out=lowest)
        np.maximum(peak, equity, out=peak)
        np.minimum(trough, np.divide(equity, peak, out=part), out=trough)
    found = _performance(
        total=total,
        squares=squares,
        losses=losses,
        end=np.maximum(equity, 0),
        trough=np.maximum(trough, 0),
        steps=steps.shape[1],
        steps_a_year=steps_a_day * DAYS_A_YEAR,
    )
    return found, np.maximum(lowest, 0)


def _performance(
    *, total: Floats, squares: Floats, losses: Floats, end: Floats, trough: Floats, steps: int, steps_a_year: int
) -> Performance:
    """Return the measures of paths of which the sums are known: of returns, their squares and the losses' squares."""
    drawdown = 1 - trough
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = total / steps
        variance = (squares - steps * mean**2) / (steps - 1) if steps > 1 else np.full_like(total, np.nan)
        variance = np.where(variance <= _NO_SPREAD * squares / steps, 0, variance)
        volatility = np.sqrt(variance * steps_a_year)
        annual = np.maximum(end, 0) ** (steps_a_year / max(steps, 1)) - 1
        return Performance(
            roi=end - 1,
            volatility=volatility,
            sharpe=_finite(mean * steps_a_year / volatility),
            sortino=_finite(mean * np.sqrt(steps_a_year) / np.sqrt(losses / steps)),
            calmar=_finite(annual / drawdown),
            drawdown=drawdown,
        )


def _finite(ratio: Floats) -> Floats:
    return np.where(np.isfinite(ratio), ratio, np.nan)
