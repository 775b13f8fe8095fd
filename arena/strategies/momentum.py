"""Momentum: what has moved most goes on moving for a while."""

from __future__ import annotations

from decimal import Decimal

from arena.domain.decision import Action
from arena.domain.order import PositionSide
from arena.strategies import layout
from arena.strategies.ideas import answer, keep_or_close, opening
from arena.strategies.playbook import Playbook
from arena.strategies.prompt_reader import ReadPrompt, ReadSymbol

MOVED = Decimal("1.5")  # percent in four hours; less is noise at these costs

BRIEF = """\
Trade momentum: what has moved most over the last hours, on more volume than usual, tends to go on for a while. Go long the
strongest pairs and short the weakest (momentum_rank 1 is the strongest), and leave when the move or its volume fades."""


def rule(prompt: ReadPrompt) -> str:
    """Go with the strongest and the weakest pair of the last four hours while the last hour agrees; leave when either turns."""
    ideas = []
    moves = {symbol: move for symbol, market in prompt.symbols.items() if (move := _moves(market)) is not None}
    order = sorted(moves, key=lambda symbol: (-moves[symbol][1], symbol))
    for symbol in order:
        market, (hour, hours) = prompt.symbols[symbol], moves[symbol]
        atr, held = market.newest("atr14"), prompt.positions.get(symbol)
        why = f"{hours} % in four hours, {hour} % in one"
        if held is not None:
            sign = 1 if held.side is PositionSide.LONG else -1
            ideas.append(keep_or_close(held, hours * sign <= 0 or hour * sign < -MOVED / 2, why))
        elif atr is None:
            continue
        elif symbol == order[0] and hours >= MOVED and hour > 0:
            ideas.append(opening(market, Action.OPEN_LONG, why, "the four hours turn negative", atr * 4, atr * 8))
        elif symbol == order[-1] and hours <= -MOVED and hour < 0:
            ideas.append(opening(market, Action.OPEN_SHORT, why, "the four hours turn positive", atr * 4, atr * 8))
    return answer(prompt, ideas)


def _moves(market: ReadSymbol) -> tuple[Decimal, Decimal] | None:
    hour, hours = market.figures.get("change_1h_percent"), market.figures.get("change_4h_percent")
    return None if hour is None or hours is None else (hour, hours)


PLAYBOOK = Playbook(
    name="momentum",
    version=1,
    brief=BRIEF,
    series={
        layout.CLOSE: 10,
        "volume": 10,
        "ema20": 3,
        "macd_histogram": 5,
        "rsi7": 3,
        "rsi14": 5,
        "atr14": 3,
        "adx14": 3,
    },
    figures=(
        "momentum_rank",
        "change_1h_percent",
        "change_4h_percent",
        "change_24h_percent",
        "volume_ratio",
        layout.VOLUME_AVERAGE,
        layout.OBV_SLOPE,
        "high_4h",
        "low_4h",
        "high_24h",
        "low_24h",
        "hourly_rsi14",
    ),
    rule=rule,
    needs=frozenset({"change_1h_percent", "change_4h_percent", "atr14"}),
)
