"""Competitors that decide by dice: many orders, half of them limit orders, tight stops, changes of mind, panics of all."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

from arena.application.language_model import Completion, Prompt
from arena.domain.money import nearest_to
from arena.strategies.prompt_reader import ReadPrompt, read_prompt
from tests.fakes.models import completion, part

PANIC = 0.15  # of the markets make everybody leave everything


class Gambler:
    """Answers in the schema; the same prompt of the same competitor gets the same answer."""

    def __init__(self, seed: int, letter: str) -> None:
        self._seed = f"{seed}/{letter}"

    async def complete(self, prompt: Prompt, timeout_seconds: float) -> Completion:
        text = f"{prompt.static}\n{prompt.user}"
        read = read_prompt(text)
        dice = random.Random(f"{self._seed}/{read.digest}")
        wishes = [wish for symbol in read.symbols if (wish := _wish(symbol, read, dice)) is not None]
        prices = [str(found.last) for found in read.symbols.values()]  # the same for all
        if random.Random("/".join(prices)).random() < PANIC:
            wishes = [part(symbol, "close") for symbol in read.positions]
        return completion(json.dumps({"decisions": wishes}))


def _wish(symbol: str, read: ReadPrompt, dice: random.Random) -> dict[str, Any] | None:
    chance = dice.random()
    if symbol in read.positions:
        if chance < 0.3:
            return part(symbol, "close")
        return part(symbol, "reduce", size_percent=dice.choice([20, 50, 80])) if chance < 0.5 else None
    if chance > 0.5 or "open_long" not in read.actions[symbol]:
        return None
    long = dice.random() < 0.5
    found = read.symbols[symbol]
    sign = 1 if long else -1
    away = Decimal(dice.choice(["0.002", "0.005", "0.01", "0.03", "0.08"])) * sign
    limit = None
    if dice.random() < 0.5:
        below = Decimal(dice.choice(["0", "0.0003", "0.001", "0.003", "0.01"])) * sign  # 0 is refused by risk
        limit = nearest_to(found.last * (1 - below), found.tick)
    entry = limit or found.last
    stop = nearest_to(entry * (1 - away), found.tick)
    target = nearest_to(entry * (1 + away * 2), found.tick) if dice.random() < 0.6 else None
    terms = {"stop_price": float(stop), "target_price": None if target is None else float(target)}
    terms |= {"entry_type": "market" if limit is None else "limit", "limit_price": None if limit is None else float(limit)}
    action, leverage = "open_long" if long else "open_short", dice.choice([1, 3, 5])
    return part(symbol, action, size_percent=dice.choice([10, 20, 35]), leverage=leverage, **terms)
