"""Is a stated confidence worth what it says? Brier score, reliability curve and its error, beside what chance alone would show.

The groups hold about as many trades each (quantiles of what was stated; equal values stay together), since models state a few
round numbers. A perfectly calibrated model has an error as well, the larger the fewer its trades: with ten groups and 50 trades
about 0.15. So the observed one is judged against what the same confidences would show if each were exactly right.

Sources: Brier (1950), "Verification of forecasts expressed in terms of probability"; for the error Naeini, Cooper, Hauskrecht
(2015), "Obtaining well calibrated probabilities using Bayesian binning"; for the band Bröcker, Smith (2007), "Increasing the
reliability of reliability diagrams".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

GROUPS = 10
FEWEST = 20  # trades; of fewer nothing is said
LEVEL = 0.95
REPETITIONS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Trades with nearly the same stated confidence; all but the count are fractions of 1.

    Attributes:
        stated: Mean of what was stated.
        hit_rate: What came of it.
        lowest, highest: Between which the hit rate of a perfectly calibrated model lies, at `LEVEL`.
    """

    trades: int
    stated: float
    hit_rate: float
    lowest: float
    highest: float

    @property
    def within(self) -> bool:
        """Whether the hit rate is one that a perfectly calibrated model shows."""
        return self.lowest <= self.hit_rate <= self.highest


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """What confidences were worth.

    Attributes:
        brier: Mean squared difference of stated confidence and outcome, 0 (best) to 1.
        error: Expected calibration error: mean of |stated − hit rate| over the groups, weighted by their trades.
        expected, most: Mean, and quantile at `LEVEL`, of the error that a perfectly calibrated model shows with the same trades.
        groups: By stated confidence; those without a trade are left out.
    """

    trades: int
    brier: float
    error: float
    expected: float
    most: float
    groups: tuple[Group, ...]

    @property
    def within(self) -> bool:
        """Whether the error is one that a perfectly calibrated model shows."""
        return self.error <= self.most

    @property
    def sentence(self) -> str:
        """What may be said about it."""
        counted = f"{self.trades:,} closed {'trade' if self.trades == 1 else 'trades'}"
        if self.trades < FEWEST:
            return f"Too few to say whether its confidence means anything: {counted}, and {FEWEST} are needed."
        usual = f"a perfectly calibrated model shows {self.expected:.3f} on average and up to {self.most:.3f}"
        seen = f"Over {counted} the calibration error is {self.error:.3f}; with as many, {usual}"
        if self.within:
            return f"{seen}: no miscalibration can be shown."
        gap = sum(group.trades * (group.stated - group.hit_rate) for group in self.groups) / self.trades
        lean = f", {abs(gap) * 100:.0f} points too {'sure' if gap > 0 else 'shy'} on average" if abs(gap) >= 0.005 else ""
        return f"{seen}: its confidence is not calibrated{lean}."


def brier(stated: Values, hits: Flags) -> float:
    """Return the mean of (stated − hit)²; both of shape (N,), stated in fractions of 1, N > 0."""
    return float(np.mean((stated - hits) ** 2))


def reliability(
    stated: Sequence[float] | Values,
    hits: Sequence[bool] | Flags,
    groups: int = GROUPS,
    repetitions: int = REPETITIONS,
    seed: int = 1,
) -> Reliability | None:
    """Return what confidences were worth; None without any.

    Args:
        stated: Confidences, fractions of 1, shape (N,).
        hits: Whether each came true, shape (N,).
        groups: At most; equal confidences are never parted.
        repetitions: Of the perfectly calibrated model.
        seed: Of its dice.
    """
    said, hits = np.asarray(stated, dtype=np.float64), np.asarray(hits, dtype=np.bool_)
    if not said.size:
        return None
    values, place, trades = np.unique(said, return_inverse=True, return_counts=True)
    came = np.bincount(place, hits)  # by value
    member = _members(said, values, groups)
    sizes = member @ trades
    dice = np.random.default_rng(seed).binomial(trades, values, (repetitions, values.size))
    errors = np.abs((dice - trades * values) @ member.T).sum(axis=1) / said.size
    outside = (1 - LEVEL) / 2
    band = np.quantile(dice @ member.T / sizes, (outside, 1 - outside), axis=0, method="inverted_cdf")
    figures = (member @ (trades * values) / sizes, member @ came / sizes, *band)
    return Reliability(
        trades=said.size,
        brier=brier(said, hits),
        error=float(np.abs(member @ (came - trades * values)).sum() / said.size),
        expected=float(errors.mean()),
        most=float(np.quantile(errors, LEVEL)),
        groups=tuple(
            Group(trades=int(size), stated=mean, hit_rate=rate, lowest=low, highest=high)
            for size, mean, rate, low, high in zip(sizes, *(each.tolist() for each in figures), strict=True)
        ),
    )


def _members(stated: Values, values: Values, groups: int) -> Values:
    """Return 1 where a value (column) belongs to a group (row); groups without a value are left out."""
    edges = np.quantile(stated, np.linspace(0, 1, groups + 1))
    place = np.searchsorted(edges[1:-1], values)
    member: Values = (place == np.unique(place)[:, None]).astype(np.float64)
    return member
