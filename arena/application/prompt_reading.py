"""What the labels of a prompt mean, told for those that a playbook shows and no others."""

from __future__ import annotations

from arena.strategies import layout
from arena.strategies.playbook import Playbook

EXPLANATIONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("ema20", "ema50"), "ema20, ema50: moving averages of the close"),
    (("macd", "macd_signal", "macd_histogram"), "macd (12, 26, 9)"),
    (("rsi7", "rsi14", "atr14", "adx14"), "rsi, atr, adx: Wilder's"),
    (("bollinger_upper", "bollinger_middle", "bollinger_lower"), "bollinger (20, 2)"),
    ((layout.OBV_SLOPE,), "obv_slope20: growth of on-balance volume a candle in average volumes, 1 all bought, -1 all sold"),
    (("hourly_ema20", "hourly_rsi14"), "hourly_*: of hourly closes"),
    (("change_1h_percent", "change_4h_percent", "change_24h_percent"), "change_*: of the last close"),
    (("zscore20", "zscore100"), "zscore20, zscore100: last close minus mean, in standard deviations of so many closes"),
    (
        ("half_life",),
        "half_life: candles in which half of the distance from the mean of 100 closes is gone, n/a where it stays",
    ),
    (("volume_ratio",), "volume_ratio: the last 3 candles' volume over the last 20's"),
    (("momentum_rank",), "momentum_rank: 1 has risen most in four hours"),
    (("high_4h", "low_4h"), "high_4h, low_4h: of the 48 candles before the last"),
    (
        ("trend_slope_percent", "trend_fit"),
        "trend_slope_percent, trend_fit: slope a candle and R2 of a straight line through the last 48 closes",
    ),
    (("volatility_percent",), "volatility_percent: standard deviation of the last 48 candles' returns"),
    (("range_percent",), "range_percent: median of (high - low) / close of the last 20 candles"),
    (
        ("spread_percent",),
        "spread_percent: what it costs to cross the market, by Roll's estimate from 100 closes, n/a where they do not bounce",
    ),
    (("return_autocorrelation",), "return_autocorrelation: of the last 100 candles' returns"),
    (
        ("basket_beta", "basket_zscore", "basket_half_life"),
        "basket_*: against the equally weighted basket of the other pairs over a day; zscore of what beta does not explain",
    ),
    (
        (layout.SPREADS,),
        "Spreads: log(first) - hedge_ratio * log(second) over a day; zscore now, half_life in candles, correlation of returns",
    ),
)


def explained(playbook: Playbook) -> str:
    """Return one line a label, or group of labels, that the playbook shows."""
    return "\n".join(f"- {text}." for labels, text in EXPLANATIONS if not playbook.shown.isdisjoint(labels))
