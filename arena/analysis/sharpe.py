"""How sure a Sharpe ratio is: its probability of being above another one, and above what the best of many has by luck.

Bailey & López de Prado, "The Sharpe Ratio Efficient Frontier" (2012) and "The Deflated Sharpe Ratio" (2014). All ratios here are
of one step and not annualised; returns should be next to independent, such as those of whole days.
"""

from __future__ import annotations

from math import e

import numpy as np

from arena.analysis.resampling import ROUNDING, Floats

_FEWEST = 3  # returns


def probabilistic_sharpe(returns: Floats, benchmark: float = 0.0) -> float | None:
    """Return how likely the true Sharpe ratio is above the benchmark, 0 to 1; None where the returns are too few or do not vary.

    Args:
        returns: Shape (T,), fraction a step.
        benchmark: Sharpe ratio of a step.
    """
    if len(returns) < _FEWEST or np.ptp(returns) <= ROUNDING:
        return None
    from scipy.stats import norm

    ratio = returns.mean() / returns.std(ddof=1)
    standard = (returns - returns.mean()) / returns.std()
    variance = 1 - (standard**3).mean() * ratio + ((standard**4).mean() - 1) / 4 * ratio**2
    return float(norm.cdf((ratio - benchmark) * np.sqrt((len(returns) - 1) / variance))) if variance > 0 else None


def best_by_luck(ratios: Floats) -> float:
    """Return the Sharpe ratio that the best of so many has, on average, where none is better than 0.

    Args:
        ratios: Shape (N,), Sharpe ratios of all that were tried, N ≥ 1; how far they lie apart and their number count.
    """
    if len(ratios) < 2:
        return 0.0
    from scipy.stats import norm

    spread, tried = ratios.std(ddof=1), len(ratios)
    return float(spread * ((1 - np.euler_gamma) * norm.ppf(1 - 1 / tried) + np.euler_gamma * norm.ppf(1 - 1 / (tried * e))))


def deflated_sharpe(returns: Floats, ratios: Floats) -> float | None:
    """Return how likely the true Sharpe ratio is above what the best of all that were tried has by luck; None as above.

    Args:
        returns: Shape (T,), fraction a step, of the one that was chosen.
        ratios: Shape (N,), Sharpe ratios of a step of all that were tried, the chosen one among them.
    """
    return probabilistic_sharpe(returns, best_by_luck(ratios))
