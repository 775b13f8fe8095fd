"""Who is best over several seasons: ranks where not everybody plays everywhere, and Plackett-Luce strengths with an interval.

A strength is the chance to be first were all to meet in one season, so that all of them add up to one. It is estimated from the
orders alone: how far somebody was ahead does not count. Sources: Luce (1959), Plackett (1975); for the algorithm Hunter (2004),
for the prior, which keeps whoever has always won finite, Caron and Doucet (2012). Both by `choix`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

Played = Mapping[str, float]  # a season: return (fraction of the capital) by name
Order = tuple[int, ...]  # of a season, best first
Values = NDArray[np.float64]

PRIOR = 0.5  # of a win in a season of its own, for everybody
REPETITIONS = 200
LEVEL = 0.90
FEWEST = 5  # windows in which somebody has met another; an interval from fewer would look surer than it is
TURNS = 12  # ways at most in which those of equal return are told one after the other
FINE, ROUGH = 1e-6, 1e-3  # of the logarithms of the strengths, of the estimate and of a repetition


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """The chance to be first, were all to meet; fraction of 1.

    Attributes:
        lowest, highest: Interval at `LEVEL` by bootstrap over windows; None where it has met somebody in fewer than `FEWEST`.
    """

    value: float
    lowest: float | None
    highest: float | None

    def beneath(self, other: Strength) -> bool:
        """Return whether the whole interval is below another one's."""
        return self.highest is not None and other.lowest is not None and self.highest < other.lowest


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One competitor over all its seasons.

    Attributes:
        returns: Fraction of the capital, a season each, in their order.
        ranks: In seasons with somebody else; 1 is best, those of equal return share the mean of their places.
        strength: None where it has met nobody.
    """

    name: str
    returns: tuple[float, ...]
    ranks: tuple[float, ...]
    strength: Strength | None

    @property
    def firsts(self) -> int:
        """Seasons in which it alone was best."""
        return self.ranks.count(1.0)

    @property
    def mean_rank(self) -> float | None:
        """Over the seasons with somebody else; None without one."""
        return mean(self.ranks) if self.ranks else None

    @property
    def median_return(self) -> float:
        """Fraction of the capital."""
        return median(self.returns)


def ranking(
    seasons: Sequence[Played],
    windows: Sequence[Hashable] | None = None,
    repetitions: int = REPETITIONS,
    seed: int = 1,
) -> tuple[Ranked, ...]:
    """Return all who have played, by their mean rank; those without one come last.

    Args:
        seasons: Each with those who played in it.
        windows: Of each season, what its luck came from: those of one window are drawn together. Each its own where left out.
        repetitions: Of the bootstrap; 0 leaves the strengths out.
        seed: Of its dice.
    """
    returns: defaultdict[str, list[float]] = defaultdict(list)
    ranks: defaultdict[str, list[float]] = defaultdict(list)
    for played in seasons:
        for name, value in played.items():
            returns[name].append(value)
            if len(played) > 1:
                ranks[name].append(_rank(value, played))
    found = strengths(seasons, windows, repetitions, seed) if repetitions else {}
    rows = (
        Ranked(name=name, returns=tuple(values), ranks=tuple(ranks[name]), strength=found.get(name))
        for name, values in returns.items()
    )
    return tuple(sorted(rows, key=lambda each: (each.mean_rank or float("inf"), -each.median_return, each.name)))


def strengths(
    seasons: Sequence[Played],
    windows: Sequence[Hashable] | None = None,
    repetitions: int = REPETITIONS,
    seed: int = 1,
) -> dict[str, Strength]:
    """Return the Plackett-Luce strength of everybody who has met somebody; arguments as those of `ranking`."""
    met = [(window, played) for window, played in zip(windows or range(len(seasons)), seasons, strict=True) if len(played) > 1]
    names = sorted({name for _, played in met for name in played})
    if not names:
        return {}
    place = {name: number for number, name in enumerate(names)}
    turns = _turns([played for _, played in met])
    drawn: defaultdict[Hashable, list[Order]] = defaultdict(list)
    for window, played in met:
        drawn[window] += _orders({place[name]: value for name, value in played.items()}, turns)
    orders = list(drawn.values())
    best = _fitted(orders, len(names), turns)
    seen = Counter(number for window in orders for number in {number for order in window for number in order})
    often = [seen[number] >= FEWEST for number in range(len(names))]
    bounds = _bounds(orders, best, turns, repetitions, seed) if any(often) else []
    return {
        name: Strength(value=value, lowest=bounds[number][0] if known else None, highest=bounds[number][1] if known else None)
        for number, (name, value, known) in enumerate(zip(names, _chances(best).tolist(), often, strict=True))
    }


def _rank(value: float, played: Played) -> float:
    others = list(played.values())
    return 1 + sum(other > value for other in others) + (others.count(value) - 1) / 2


def _turns(met: Sequence[Played]) -> int:
    """Return how many times each season is told, so that those of equal return can take turns."""
    ties = {count for played in met for count in Counter(played.values()).values()}
    return min(TURNS, lcm(*ties))


def _orders(played: Mapping[int, float], turns: int) -> list[Order]:
    """Return a season's order, best first, so many times: those of equal return each stand as often in every place of theirs."""
    groups: dict[float, list[int]] = {}
    for number, value in sorted(played.items(), key=lambda item: -item[1]):
        groups.setdefault(value, []).append(number)
    shifted = ([(turn % len(group), group) for group in groups.values()] for turn in range(turns))
    return [tuple(number for shift, group in each for number in group[shift:] + group[:shift]) for each in shifted]


def _fitted(orders: Sequence[Sequence[Order]], names: int, turns: int, start: Values | None = None) -> Values:
    """Return the logarithms of the strengths, shape (names,); roughly where it is told where to start."""
    from choix import mm_rankings

    told = [order for window in orders for order in window]
    found: Values = mm_rankings(names, told, initial_params=start, alpha=PRIOR * turns, tol=FINE if start is None else ROUGH)
    return found


def _bounds(
    orders: Sequence[Sequence[Order]], best: Values, turns: int, repetitions: int, seed: int
) -> list[tuple[float, float]]:
    """Return the interval of every strength; draws without somebody say nothing about it."""
    dice = np.random.default_rng(seed)
    found = np.full((repetitions, best.size), np.nan)
    for row in found:
        chosen = [orders[number] for number in dice.integers(len(orders), size=len(orders))]
        there = sorted({number for window in chosen for order in window for number in order})
        row[there] = _chances(_fitted(chosen, best.size, turns, best))[there]
    outside = (1 - LEVEL) / 2
    return list(zip(*np.nanquantile(found, (outside, 1 - outside), axis=0).tolist(), strict=True))


def _chances(logarithms: Values) -> Values:
    weights = np.exp(logarithms - logarithms.max())
    chances: Values = weights / weights.sum()
    return chances
