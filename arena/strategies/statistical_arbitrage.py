"""Statistical arbitrage: each pair against the basket of the others; what is cheap is bought, what is dear is sold."""

from __future__ import annotations

from decimal import Decimal

from arena.domain.decision import Action
from arena.domain.order import PositionSide
from arena.strategies import layout
from arena.strategies.ideas import Idea, answer, keep_or_close, opening
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPrompt

FAR = Decimal(2)  # standard deviations
LONGEST_HALF_LIFE = Decimal(72)  # candles: six hours of five minutes

BRIEF = """\
Trade statistical arbitrage: every pair is compared with the equally weighted basket of the others over the last day. Where
basket_zscore is far from zero and basket_half_life small, go long what is cheap (below zero) and short what is dear (above zero),
in similar values on both sides, so that little of the market's own direction is left; leave near zero."""


def rule(prompt: ReadPrompt) -> str:
    """Take what lies two deviations from the basket and reverts within hours, and leave at zero."""
    ideas: list[tuple[Decimal, Idea]] = []
    for symbol, market in prompt.symbols.items():
        score, life, held = (
            market.figures.get("basket_zscore"),
            market.figures.get("basket_half_life"),
            prompt.positions.get(symbol),
        )
        if score is None:
            continue
        why = f"{score} deviations from the basket"
        if held is not None:
            over = score >= 0 if held.side is PositionSide.LONG else score <= 0
            ideas.append((Decimal(0), keep_or_close(held, over, why)))
        elif abs(score) >= FAR and life is not None and life <= LONGEST_HALF_LIFE and market.default_stop is not None:
            action = Action.OPEN_LONG if score < 0 else Action.OPEN_SHORT
            stop = market.default_stop
            ideas.append((-abs(score), opening(market, action, why, "the distance goes on growing", stop, stop * 2)))
    return answer(prompt, (idea for _, idea in sorted(ideas, key=lambda pair: (pair[0], pair[1].symbol))))


PLAYBOOK = Playbook(
    name="statistical-arbitrage",
    version=1,
    brief=BRIEF,
    series={layout.CLOSE: 10, "volume": 5, "rsi14": 5, "atr14": 3},
    figures=(
        "basket_beta",
        "basket_zscore",
        "basket_half_life",
        "zscore100",
        "half_life",
        "volatility_percent",
        layout.VOLUME_AVERAGE,
        "change_1h_percent",
        "change_4h_percent",
        "change_24h_percent",
    ),
    stop_atr=Decimal(5),
    rule=rule,
    needs=frozenset({"basket_zscore", "basket_half_life"}),
)
