"""What a season can tell, before it is played: how often a difference is found, how many days that takes, what trading costs.

Models' returns of a day are taken as normal, equally volatile and equally correlated. Two of K models are told apart at 5 % over
all K (K − 1) / 2 pairs (Bonferroni, the first step of Holm). A winner must be told apart from every other one, each at the last
step of Holm. What else the judge asks, and that luck clusters, is left out: it declares somewhat fewer. All is computed without
scipy, so that the command starts at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi, sqrt
from statistics import NormalDist

from arena.analysis.inference import SHORTEST, critical, days_to_tell

DAYS_A_YEAR, DAY_S = 365.0, 86_400.0
_NORMAL = NormalDist()
_REACH, _POINTS = 8.0, 400  # of the integral over what the leader alone does
_LONGEST = 1e9  # days


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What is assumed of a season's models.

    Attributes:
        competitors: How many models, ≥ 2.
        difference: By which the best one is ahead of every other, fraction of the capital a day, > 0.
        sigma: Standard deviation of a model's return of a day, fraction of the capital; see `daily_sigma`.
        correlation: Of two models' returns of a day, below 1. Their decisions at the same instants in a share of which they agree
            make about twice the share less one; dice of their own, or instants of their own, make 0.
        replicas: Entries of each model, ≥ 1, whose mean counts. Each is taken to differ from the next as models do; replicas that
            differ less help less.
    """

    competitors: int
    difference: float
    sigma: float
    correlation: float
    replicas: int = 1

    @property
    def days_of_noise(self) -> float:
        """Days after which the difference equals one standard deviation of its estimate."""
        return 2 * (1 - self.correlation) * self.sigma**2 / self.replicas / self.difference**2

    @property
    def pairs(self) -> int:
        """How many comparisons there are."""
        return self.competitors * (self.competitors - 1) // 2


def daily_sigma(leverage: float, volatility: float = 0.75, symbols: int = 6) -> float:
    """Return the standard deviation of a model's return of a day, fraction of the capital.

    Equal positions that are long or short independently of each other: luck averages over symbols however correlated these are.
    3.2 % at a leverage of 2. With all on one side and prices correlated at 0.75 it is 2.2 times as much.

    Args:
        leverage: Of all positions together, multiples of the capital.
        volatility: Of a symbol's price a year, fraction.
        symbols: How many are held.
    """
    return leverage * volatility / sqrt(DAYS_A_YEAR * symbols)


def pair_power(prospect: Prospect, days: float) -> float:
    """Return the probability that two given models are told apart after so many days, 0 to 1."""
    return _NORMAL.cdf(sqrt(days / prospect.days_of_noise) - critical(prospect.pairs))


def pair_days(prospect: Prospect, power: float = 0.8) -> float:
    """Return the days after which two given models are told apart with a probability of `power`.

    The verdict's own formula, in which the noise of a day is σ · √(2 (1 − ρ)) / δ.
    """
    return days_to_tell(prospect.days_of_noise, prospect.pairs, power)


def winner_power(prospect: Prospect, days: float) -> float:
    """Return the probability that the best model is told apart from every other after so many days; 0 before the first verdict.

    What the leader's own luck does to all of its differences at once is integrated over; given it, they are independent.
    """
    if days < SHORTEST:
        return 0.0
    rivals = prospect.competitors - 1
    above = sqrt(days / prospect.days_of_noise) - critical(prospect.pairs - rivals + 1)
    width = 2 * _REACH / _POINTS
    lucks = (-_REACH + width * (each + 0.5) for each in range(_POINTS))
    return sum(_NORMAL.pdf(luck) * _NORMAL.cdf(sqrt(2) * above + luck) ** rivals * width for luck in lucks)


def winner_days(prospect: Prospect, power: float = 0.8) -> float:
    """Return the days after which the best model is told apart from every other with a probability of `power`, ≥ 30."""
    low, high = SHORTEST, SHORTEST
    while winner_power(prospect, high) < power and high < _LONGEST:
        low, high = high, 2 * high
    while high - low > 0.01 and high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if winner_power(prospect, middle) < power else (low, middle)
    return high


def break_even(holding_s: float, round_trip: float = 0.001, volatility: float = 0.75) -> float:
    """Return how often a trader must be right about the direction to earn what trading costs; above 1 where it cannot.

    Right or wrong, a price moves by σ √(2 / π) in the mean, so that 1/2 + cost / (2 · mean move) of the moves must be won.

    Args:
        holding_s: How long each position is held, seconds, > 0.
        round_trip: What entry and exit cost, fraction of the position's worth.
        volatility: Of the price a year, fraction.
    """
    move = volatility * sqrt(holding_s / (DAYS_A_YEAR * DAY_S)) * sqrt(2 / pi)
    return 0.5 + round_trip / (2 * move)


def calls_drag(interval_s: float, call_cost: float, capital: float) -> float:
    """Return what asking a model costs a day, fraction of the capital.

    Args:
        interval_s: Between two calls, seconds, > 0.
        call_cost: Of one call, in the capital's currency.
        capital: > 0.
    """
    return DAY_S / interval_s * call_cost / capital


def remedies(prospect: Prospect) -> dict[str, Prospect]:
    """Return what would find a difference sooner, in words, with what it makes of the prospect.

    Models decide more alike where they are asked at the same instants, with the same prompt and limits: luck is shared then.
    """
    closer = 1 - (1 - prospect.correlation) / 3
    found = {
        "four replicas of each model, at best": replace(prospect, replicas=4 * prospect.replicas),
        f"models that decide more alike, correlation {closer:.2f}": replace(prospect, correlation=closer),
        "models that differ twice as much": replace(prospect, difference=2 * prospect.difference),
    }
    if prospect.competitors > 2:
        found["two competitors only"] = replace(prospect, competitors=2)
    return found
