"""No playbook: everything that the others show of single pairs, and a free hand."""

from __future__ import annotations

from arena.strategies import layout
from arena.strategies.benchmarks import buy_and_hold
from arena.strategies.playbook import Playbook

PLAYBOOK = Playbook(
    name="free",
    version=1,
    brief="Trade as you see fit.",
    series={
        layout.CLOSE: 10,
        "volume": 6,
        "ema20": 6,
        "ema50": 3,
        "macd": 3,
        "macd_signal": 3,
        "macd_histogram": 6,
        "rsi7": 6,
        "rsi14": 6,
        "atr14": 3,
        "adx14": 3,
        "bollinger_upper": 1,
        "bollinger_middle": 1,
        "bollinger_lower": 1,
    },
    figures=(layout.VOLUME_AVERAGE, layout.OBV_SLOPE, *layout.LONG_WINDOW),
    rule=buy_and_hold,  # a competitor of the name buy-and-hold
    needs=frozenset(),
)
