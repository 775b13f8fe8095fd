"""Mean reversion: what has run far from its average comes back."""

from __future__ import annotations

from decimal import Decimal

from arena.domain.decision import Action
from arena.domain.order import PositionSide
from arena.strategies import layout
from arena.strategies.ideas import Idea, answer, keep_or_close, opening
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPrompt

OVERSOLD, MIDDLE, OVERBOUGHT = Decimal(30), Decimal(50), Decimal(70)

BRIEF = """\
Trade mean reversion: prices that have run far from their average tend to come back. Enter against the stretch (rsi near its ends,
zscore far from zero), leave near the mean, and stay out where prices do not revert (half_life n/a, adx14 high)."""


def rule(prompt: ReadPrompt) -> str:
    """Buy what is oversold, sell what is overbought (RSI 14, 30 and 70), and leave in the middle."""
    ideas: list[tuple[Decimal, Idea]] = []
    for symbol, market in prompt.symbols.items():
        rsi, atr = market.newest("rsi14"), market.newest("atr14")
        if rsi is None or atr is None:
            continue
        held = prompt.positions.get(symbol)
        if held is not None:
            over = rsi >= MIDDLE if held.side is PositionSide.LONG else rsi <= MIDDLE
            ideas.append((Decimal(0), keep_or_close(held, over, f"RSI14 is {rsi}")))
        elif rsi <= OVERSOLD or rsi >= OVERBOUGHT:
            action = Action.OPEN_LONG if rsi <= OVERSOLD else Action.OPEN_SHORT
            idea = opening(market, action, f"RSI14 is {rsi}", f"RSI14 does not return to {MIDDLE}", atr * 3, atr * 3)
            ideas.append((abs(rsi - MIDDLE), idea))
    return answer(prompt, (idea for _, idea in sorted(ideas, key=lambda pair: (-pair[0], pair[1].symbol))))


PLAYBOOK = Playbook(
    name="mean-reversion",
    version=1,
    brief=BRIEF,
    series={
        layout.CLOSE: 10,
        "volume": 5,
        "rsi7": 5,
        "rsi14": 10,
        "atr14": 3,
        "adx14": 3,
        "bollinger_upper": 3,
        "bollinger_middle": 3,
        "bollinger_lower": 3,
    },
    figures=(
        "zscore20",
        "zscore100",
        "half_life",
        layout.VOLUME_AVERAGE,
        "hourly_ema20",
        "hourly_rsi14",
        "change_1h_percent",
        "change_24h_percent",
        "high_24h",
        "low_24h",
    ),
    rule=rule,
    needs=frozenset({"rsi14", "atr14"}),
)
