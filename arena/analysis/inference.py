"""Which contestant is better, and whether the data can say so.

A winner is alone in the 90 % Model Confidence Set (Hansen, Lunde & Nason, 2011), and its daily gains differ from everyone else's
by a paired t test at 5 % after Holm (1979), and the season has run for 30 days or more. Each of the three is too easily met by
itself: the set, for one, wrongly drops an equal in 23 % of contests of 14 days, and in 14 % of those of 90.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import NormalDist

import numpy as np

from arena.analysis.days import FEWEST_DAYS, by_day
from arena.analysis.resampling import ROUNDING, Floats, Interval, block_length, interval, resampled_sums

SHORTEST = 30.0  # days of a season that may have a winner
SIGNIFICANT = 0.05  # of the Holm-adjusted p
CONFIDENCE_SET_SIZE = 0.1  # one minus the set's confidence

_SHORTEST_RESAMPLED = 2  # days
_EQUAL = 1e-9  # a part of the capital; ROIs that are closer are the same
_SET_REPETITIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two contestants against each other.

    Attributes:
        first, second: Their columns, first < second.
        difference: ROI of the first minus that of the second, fraction.
        low, high: Its 95 % interval by block bootstrap; None with less than two days of steps.
        p: Two-sided, of a paired t test on whole days' gains; 1 with fewer than five whole days.
        adjusted: p after Holm over all pairs.
        days: Of data in all that give a power of 80 % if the two go on to differ as much a day, and that day by day as unevenly,
            as they have; None where they have not differed or not varied, or in fewer than five whole days.
    """

    first: int
    second: int
    difference: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What a season's gains say about who is better. Of K contestants, an entry each.

    Attributes:
        days: Of data.
        leader: Column of the highest ROI; None where two share it.
        top: How likely each one is on top in another season of such days, by block bootstrap; adds up to 1. It forgets a
            liquidation where the day of it is not drawn. None with less than two days of steps.
        kept: Who is in the 90 % Model Confidence Set; None with less than two days of steps.
        pairs: In the order of `itertools.combinations`.
        luck: How often equals (each one's mean gain taken away) show a gap between the first and the second that is as wide as
            the one seen, 0 to 1; None with less than two days of steps, or one contestant.
        winner: Column of the one that the data call better than all others; None where there is none, and of one contestant.
        days_needed: Days in all, 30 or more, until the leader's lead over the next one would be settled if both go on like this;
            None where nothing can be said.
    """

    days: float
    leader: int | None
    top: tuple[float, ...] | None
    kept: tuple[bool, ...] | None
    pairs: tuple[Pair, ...]
    luck: float | None
    winner: int | None
    days_needed: float | None


def contest(gains: Floats, *, steps_a_day: int, days: float, seed: int, repetitions: int = 10_000) -> Contest:
    """Return what the gains of a season say about who is better.

    Args:
        gains: Shape (T, K), K ≥ 1: change of each contestant's equity in a step, fraction of its capital.
        steps_a_day: 24 where a step is an hour.
        days: How long the season has run; its last day need not be whole.
        seed: ≥ 0; the same one gives the same answer.
        repetitions: Of the block bootstrap.
    """
    roi = gains.sum(axis=0)
    columns = list(combinations(range(len(roi)), 2))
    differences = np.stack([gains[:, first] - gains[:, second] for first, second in columns], axis=1) if columns else gains[:, :0]
    sums, kept = None, None
    if len(gains) >= _SHORTEST_RESAMPLED * steps_a_day:
        block = block_length(differences, steps_a_day)
        sums = resampled_sums(gains, block=block, seed=seed, repetitions=repetitions)
        kept = confidence_set(gains, block=block, seed=seed)
    pairs = _pairs(columns, roi, differences, steps_a_day, sums)
    leader = _leader(roi)
    return Contest(
        days=days,
        leader=leader,
        top=None if sums is None else _top(sums),
        kept=kept,
        pairs=pairs,
        luck=None if sums is None or not pairs else float((_gap(sums - roi) >= _gap(roi) - ROUNDING).mean()),
        winner=_winner(leader, kept, pairs, days),
        days_needed=_days_needed(leader, roi, pairs),
    )


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted so that all that stay below a level are, together, wrong no more often than that (Holm, 1979)."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1)
    return tuple(adjusted.tolist())


def confidence_set(gains: Floats, *, block: int, seed: int) -> tuple[bool, ...]:
    """Return who is in the 90 % Model Confidence Set, an entry each: of the others the data say that somebody is better.

    Between contestants who are always the same distance apart there is nothing to estimate, and arch would divide by zero: only
    the best of them are handed to it, as one, and share what it finds.

    Args:
        gains: Shape (T, K), fraction of the capital a step, T ≥ 1.
        block: Mean length of a block, steps.
        seed: ≥ 0.
    """
    roi = gains.sum(axis=0)
    _, group = np.unique(np.round(gains - gains[0], 12), axis=1, return_inverse=True)
    members = [np.flatnonzero(group == number) for number in range(int(group.max()) + 1)]
    best = [rows[roi[rows] >= roi[rows].max() - _EQUAL] for rows in members]
    kept = np.zeros(len(roi), bool)
    for number in _kept_by_arch(gains[:, [rows[0] for rows in best]], block, seed):
        kept[best[number]] = True
    return tuple(kept.tolist())


def _kept_by_arch(gains: Floats, block: int, seed: int) -> list[int]:
    """Return the columns in the set; no two of the series are the same distance apart all the time."""
    if gains.shape[1] == 1:
        return [0]
    from arch.bootstrap import MCS

    apart = np.arange(gains.shape[1]) * ROUNDING * gains.std()  # arch cannot choose between exactly equal means
    found = MCS(apart - gains, size=CONFIDENCE_SET_SIZE, reps=_SET_REPETITIONS, block_size=block, method="R", seed=seed)
    found.compute()
    return [int(str(column)) for column in found.included]


def _pairs(
    columns: Sequence[tuple[int, int]], roi: Floats, differences: Floats, steps_a_day: int, sums: Floats | None
) -> tuple[Pair, ...]:
    daily = by_day(differences, steps_a_day)
    p = [_t_test(daily[:, number]) for number in range(len(columns))]
    found = []
    for number, ((first, second), adjusted) in enumerate(zip(columns, holm(p), strict=True)):
        between = None if sums is None else interval(sums[:, first] - sums[:, second], 0.95)
        low, high = _ends(between)
        found.append(
            Pair(
                first=first,
                second=second,
                difference=float(roi[first] - roi[second]),
                low=low,
                high=high,
                p=p[number],
                adjusted=adjusted,
                days=_days(daily[:, number], len(columns)),
            )
        )
    return tuple(found)


def _ends(between: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if between is None else (between.low, between.high)


def _t_test(daily: Floats) -> float:
    """Return the two-sided p of a mean of zero. What differs by the same every day differs for certain."""
    if len(daily) < FEWEST_DAYS:
        return 1.0
    mean, spread = _moments(daily)
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    from scipy.stats import t

    return float(2 * t.sf(abs(mean) / spread * sqrt(len(daily)), len(daily) - 1))


def _days(daily: Floats, pairs: int) -> float | None:
    """Return the days until two who differ so much a day, and so unevenly, are told apart."""
    if len(daily) < FEWEST_DAYS:
        return None
    mean, spread = _moments(daily)
    if mean == 0 or spread == 0:
        return None
    return days_to_tell((spread / mean) ** 2, pairs)


def days_to_tell(noise: float, pairs: int, power: float = 0.8) -> float:
    """Return the days after which two are told apart, at 5 % over all pairs, with a probability of `power`.

    (z(1 − 0.05 / 2 pairs) + z(power))² · noise: of three contestants, and for 80 %, the z add up to 3.236.

    Args:
        noise: Days after which a difference equals one standard deviation of its estimate.
        pairs: That are compared.
        power: 0 to 1.
    """
    return (critical(pairs) + NormalDist().inv_cdf(power)) ** 2 * noise


def critical(comparisons: int) -> float:
    """Return how many standard errors a difference must have to count, two-sided at 5 % over so many comparisons."""
    return NormalDist().inv_cdf(1 - SIGNIFICANT / comparisons / 2)


def _moments(daily: Floats) -> tuple[float, float]:
    """Return mean and standard deviation; 0 where they are rounding."""
    mean, spread = float(daily.mean()), float(daily.std(ddof=1))
    return (mean if abs(mean) > ROUNDING else 0.0), (spread if spread > ROUNDING else 0.0)


def _leader(roi: Floats) -> int | None:
    ahead = np.flatnonzero(roi >= roi.max() - _EQUAL)
    return int(ahead[0]) if len(ahead) == 1 else None


def _top(sums: Floats) -> tuple[float, ...]:
    """Return how often each column is the highest; those that are equal there share it."""
    ahead = sums >= sums.max(axis=1, keepdims=True) - ROUNDING
    return tuple((ahead / ahead.sum(axis=1, keepdims=True)).mean(axis=0).tolist())


def _gap(roi: Floats) -> Floats:
    """Return by how much the first is ahead of the second along the last axis."""
    ordered = np.sort(roi, axis=-1)
    return np.asarray(ordered[..., -1] - ordered[..., -2])


def _winner(leader: int | None, kept: tuple[bool, ...] | None, pairs: Sequence[Pair], days: float) -> int | None:
    if leader is None or kept is None or not pairs or days < SHORTEST:
        return None
    its_own = [pair for pair in pairs if leader in (pair.first, pair.second)]
    alone = kept[leader] and sum(kept) == 1
    return leader if alone and all(pair.adjusted <= SIGNIFICANT for pair in its_own) else None


def _days_needed(leader: int | None, roi: Floats, pairs: Sequence[Pair]) -> float | None:
    if leader is None or not pairs:
        return None
    second = int(np.argsort(roi)[-2])
    days = next(pair.days for pair in pairs if {pair.first, pair.second} == {leader, second})
    return None if days is None else max(days, SHORTEST)
