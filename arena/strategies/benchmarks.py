"""The two rules that follow no playbook: what the market gave by itself, and what chance gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal

from arena.domain.decision import Action
from arena.strategies.ideas import Idea, answer, keep_or_close, opening
from arena.strategies.playbook import Rule
from arena.strategies.prompt_reader import ReadPrompt

BASKET_PERCENT = 15  # of equity a pair: buy and hold spreads over more of them
RARITY = 12  # the random rule acts in one cycle of so many: about once an hour


def buy_and_hold(prompt: ReadPrompt) -> str:
    """Hold an equal share of every symbol that fits, with a stop far away."""
    ideas = []
    for symbol, market in prompt.symbols.items():
        if symbol in prompt.positions:
            ideas.append(keep_or_close(prompt.positions[symbol], False, "held to the end"))
            continue
        ideas.append(
            Idea(
                symbol=symbol,
                action=Action.OPEN_LONG,
                reason="buy and hold",
                invalidation="none but the stop",
                size_percent=BASKET_PERCENT,
                stop_distance=market.last * Decimal("0.25"),
                target_distance=market.last,
            )
        )
    return answer(prompt, ideas)


def random_trades(prompt: ReadPrompt) -> str:
    """Open or close something about once an hour, long or short alike; the prompt's own digest is the dice."""
    dice = int(hashlib.sha256(f"random {prompt.digest}".encode()).hexdigest(), 16)
    dice, turn = divmod(dice, RARITY)
    known = {symbol: stop for symbol, market in sorted(prompt.symbols.items()) if (stop := market.default_stop) is not None}
    ideas = []
    if turn == 0 and known:
        dice, index = divmod(dice, len(known))
        symbol, distance = list(known.items())[index]
        if symbol in prompt.positions:
            ideas.append(keep_or_close(prompt.positions[symbol], True, "the dice say so"))
        else:
            action = (Action.OPEN_LONG, Action.OPEN_SHORT)[dice % 2]
            ideas.append(opening(prompt.symbols[symbol], action, "the dice say so", "none", distance, distance))
    return answer(prompt, ideas)


BENCHMARKS: Mapping[str, Rule] = {"buy-and-hold": buy_and_hold, "random": random_trades}
