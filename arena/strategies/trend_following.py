"""Trend following: go with a trend that has shown itself, and leave when it breaks."""

from __future__ import annotations

from decimal import Decimal

from arena.domain.decision import Action
from arena.domain.order import PositionSide
from arena.strategies import layout
from arena.strategies.ideas import answer, keep_or_close, opening
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPrompt

TRENDING = Decimal(20)  # ADX

BRIEF = """\
Trade trends: a direction that has shown itself (moving averages apart, adx14 high, trend_fit near 1) tends to last longer than it
looks. Enter with it, up or down alike, on a break of the range or after a pause, let it run, and leave when it breaks."""


def rule(prompt: ReadPrompt) -> str:
    """Follow EMA 20 against EMA 50 where ADX 14 says there is a trend and the price is on its side; leave at the cross."""
    ideas = []
    for symbol, market in prompt.symbols.items():
        fast, slow, adx, atr = (market.newest(label) for label in ("ema20", "ema50", "adx14", "atr14"))
        if fast is None or slow is None or adx is None or atr is None:
            continue
        held = prompt.positions.get(symbol)
        why = f"EMA20 {fast}, EMA50 {slow}, ADX14 {adx}"
        if held is not None:
            crossed = fast < slow if held.side is PositionSide.LONG else fast > slow
            ideas.append(keep_or_close(held, crossed, why))
        elif adx >= TRENDING and fast > slow and market.last > fast:
            ideas.append(opening(market, Action.OPEN_LONG, why, "EMA20 falls below EMA50", atr * 3, atr * 6))
        elif adx >= TRENDING and fast < slow and market.last < fast:
            ideas.append(opening(market, Action.OPEN_SHORT, why, "EMA20 rises above EMA50", atr * 3, atr * 6))
    return answer(prompt, ideas)


PLAYBOOK = Playbook(
    name="trend-following",
    version=1,
    brief=BRIEF,
    series={
        layout.CLOSE: 10,
        "volume": 5,
        "ema20": 5,
        "ema50": 5,
        "macd": 3,
        "macd_signal": 3,
        "macd_histogram": 5,
        "rsi14": 3,
        "atr14": 3,
        "adx14": 5,
    },
    figures=(
        "trend_slope_percent",
        "trend_fit",
        "high_4h",
        "low_4h",
        layout.VOLUME_AVERAGE,
        "hourly_ema20",
        "hourly_rsi14",
        "change_4h_percent",
        "change_24h_percent",
        "high_24h",
        "low_24h",
    ),
    rule=rule,
    needs=frozenset({"ema20", "ema50", "adx14", "atr14"}),
)
