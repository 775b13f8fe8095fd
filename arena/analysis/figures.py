"""Single figures of pairs, and of pairs against each other, from closed candles: what the playbooks show beside the indicators.

Closes are compared by their logarithms, so that a pair at 0.1 USDT and one at 90,000 are treated alike. What cannot be computed
(too few candles, a price that has not moved, a spread that does not revert) is None and never a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from math import isfinite, log, sqrt
from typing import TYPE_CHECKING

from arena.domain.market import Candle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

SHORT, LONG = 20, 100  # candles
HOURS_4 = 48  # candles of five minutes
SPREAD_WINDOW = 288  # candles: a day of five minutes
LONGEST_HALF_LIFE = 1000.0  # candles; what reverts more slowly does not revert within the window that is seen
MOST_SPREADS = 15  # all pairs of six


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How one pair has moved against another over the last day: log(first) − hedge_ratio · log(second).

    Attributes:
        hedge_ratio: Least squares; value of the second to hold against one of the first.
        zscore: Of the spread's last value, in its standard deviations.
        half_life: Candles in which half of a deviation goes away; None where it does not.
        correlation: Of the candles' returns, −1 to 1.
    """

    first: str
    second: str
    hedge_ratio: float
    zscore: float | None
    half_life: float | None
    correlation: float


def figures(candles: Sequence[Candle]) -> dict[str, float | None]:
    """Return the figures of one pair by label; each is None where the candles do not reach.

    zscore20, zscore100: (close − mean) / standard deviation of the last closes.
    half_life: Candles in which half of the close's distance from its mean goes away, over the last 100.
    volume_ratio: Mean volume of the last 3 candles over that of the last 20.
    high_4h, low_4h: USDT, of the 48 candles before the last one.
    trend_fit: R² of a straight line through the last 48 closes, 0 to 1.
    trend_slope_percent: Of that line, percent a candle.
    volatility_percent: Standard deviation of the last 48 returns.
    range_percent: Median of (high − low) / close of the last 20 candles.
    spread_percent: Effective spread by Roll's estimator from the last 100 returns (candles hold no quotes).
    return_autocorrelation: Of the last 100 returns with the ones before them.
    """
    import numpy as np

    close = np.array([float(candle.close) for candle in candles])
    volume = np.array([float(candle.volume) for candle in candles])
    returns = np.diff(np.log(close))
    slope, fit = _line(close[-HOURS_4:]) if len(close) >= HOURS_4 else (None, None)
    before = candles[-HOURS_4 - 1 : -1]
    return {
        "zscore20": _zscore(close[-SHORT:], SHORT),
        "zscore100": _zscore(close[-LONG:], LONG),
        "half_life": _half_life(np.log(close[-LONG:])) if len(close) >= LONG else None,
        "volume_ratio": _ratio(volume[-3:].mean(), volume[-SHORT:].mean()) if len(volume) >= SHORT else None,
        "high_4h": max(float(candle.high) for candle in before) if len(before) == HOURS_4 else None,
        "low_4h": min(float(candle.low) for candle in before) if len(before) == HOURS_4 else None,
        "trend_fit": fit,
        "trend_slope_percent": None if slope is None else slope / float(close[-HOURS_4:].mean()) * 100,
        "volatility_percent": float(returns[-HOURS_4:].std()) * 100 if len(returns) >= HOURS_4 else None,
        "range_percent": _range_percent(candles[-SHORT:]) if len(candles) >= SHORT else None,
        "spread_percent": _roll(returns[-LONG:]) if len(returns) >= LONG else None,
        "return_autocorrelation": _autocorrelation(returns[-LONG:]) if len(returns) >= LONG else None,
    }


def against_basket(candles: Mapping[str, Sequence[Candle]]) -> dict[str, dict[str, float | None]]:
    """Return each pair's figures against the equally weighted basket of the others over the last day, by symbol.

    basket_beta: Of its returns on the basket's.
    basket_zscore: Of the last value of what the basket does not explain.
    basket_half_life: Candles; None where that does not revert.
    """
    closes = _aligned(candles)
    found: dict[str, dict[str, float | None]] = {}
    for symbol in candles:
        others = [values for other, values in closes.items() if other != symbol]
        if symbol not in closes or not others:
            found[symbol] = dict.fromkeys(("basket_beta", "basket_zscore", "basket_half_life"))
            continue
        spread = _spread(symbol, closes[symbol], "basket", sum(others[1:], others[0]) / len(others))
        found[symbol] = {
            "basket_beta": spread.hedge_ratio if spread else None,
            "basket_zscore": spread.zscore if spread else None,
            "basket_half_life": spread.half_life if spread else None,
        }
    return found


def spreads(candles: Mapping[str, Sequence[Candle]]) -> tuple[Spread, ...]:
    """Return the spreads between all pairs, most correlated first, at most `MOST_SPREADS`."""
    closes = _aligned(candles)
    found = [_spread(a, closes[a], b, closes[b]) for a, b in combinations(sorted(closes), 2)]
    known = [spread for spread in found if spread is not None]
    return tuple(sorted(known, key=lambda spread: (-spread.correlation, spread.first, spread.second))[:MOST_SPREADS])


def ranks(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return 1 for the largest value, 2 for the next; None where there is none."""
    order = sorted((symbol for symbol, value in values.items() if value is not None), key=lambda s: (-(values[s] or 0), s))
    return {symbol: float(order.index(symbol) + 1) if symbol in order else None for symbol in values}


def _aligned(candles: Mapping[str, Sequence[Candle]]) -> dict[str, Values]:
    """Return the log closes of the instants that all pairs with a whole day of candles have in common."""
    import numpy as np

    enough = {symbol: series for symbol, series in candles.items() if len(series) >= SPREAD_WINDOW}
    if not enough:
        return {}
    by_time: dict[str, dict[datetime, Candle]] = {
        symbol: {candle.close_time: candle for candle in series[-SPREAD_WINDOW:]} for symbol, series in enough.items()
    }
    common = sorted(set.intersection(*(set(times) for times in by_time.values())))
    if len(common) < LONG:
        return {}
    return {symbol: np.array([log(float(times[time].close)) for time in common]) for symbol, times in by_time.items()}


def _spread(first: str, a: Values, second: str, b: Values) -> Spread | None:
    import numpy as np

    if a.std() == 0 or b.std() == 0:
        return None
    moved_a, moved_b = np.diff(a), np.diff(b)
    ratio = float(np.polyfit(b, a, 1)[0])
    correlation = float(np.corrcoef(moved_a, moved_b)[0, 1])
    if not (isfinite(ratio) and isfinite(correlation)):
        return None
    rest = a - ratio * b
    return Spread(
        first=first,
        second=second,
        hedge_ratio=ratio,
        zscore=_zscore(rest, len(rest)),
        half_life=_half_life(rest),
        correlation=correlation,
    )


def _zscore(values: Values, length: int) -> float | None:
    if len(values) < length:
        return None
    deviation = float(values.std())
    if deviation <= abs(float(values.mean())) * 1e-12:  # rounding, where nothing has moved
        return None
    return float((values[-1] - values.mean()) / deviation)


def _half_life(values: Values) -> float | None:
    """Return log 2 / speed of an Ornstein–Uhlenbeck process fitted by least squares; None where it does not revert."""
    import numpy as np

    if values.std() == 0:
        return None
    speed = -float(np.polyfit(values[:-1], np.diff(values), 1)[0])
    if not 0 < speed < 1:
        return None
    life = log(2) / -log(1 - speed)
    return life if life <= LONGEST_HALF_LIFE else None


def _line(values: Values) -> tuple[float, float | None]:
    """Return slope a candle and R² of a straight line."""
    import numpy as np

    slope = float(np.polyfit(range(len(values)), values, 1)[0])
    if values.std() == 0:
        return 0.0, None
    return slope, float(np.corrcoef(range(len(values)), values)[0, 1]) ** 2


def _ratio(value: float, base: float) -> float | None:
    return None if base == 0 else float(value / base)


def _range_percent(candles: Sequence[Candle]) -> float:
    from statistics import median

    return median(float((candle.high - candle.low) / candle.close) for candle in candles) * 100


def _roll(returns: Values) -> float | None:
    """Return Roll's (1984) spread, percent of the price: 2 √(−cov of successive changes); None where they do not bounce."""
    import numpy as np

    covariance = float(np.cov(returns[1:], returns[:-1])[0, 1])
    return None if covariance >= 0 else 2 * sqrt(-covariance) * 100


def _autocorrelation(returns: Values) -> float | None:
    import numpy as np

    if returns[1:].std() == 0 or returns[:-1].std() == 0:
        return None
    return float(np.corrcoef(returns[1:], returns[:-1])[0, 1])
