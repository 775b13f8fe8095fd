"""From a rule's ideas to an answer in the schema, within what the prompt says is possible.

The baselines are pure functions from what the prompt says to the answer's JSON text. None touches a symbol with data it would
need and does not have, and none asks for more than the account section says is possible.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from arena.domain.decision import Action, EntryType
from arena.domain.money import ceil_to, floor_to, plain
from arena.strategies.prompt_reader import ReadPosition, ReadPrompt, ReadSymbol

SIZE_PERCENT = 25
LEAST_PERCENT = 10  # less room than this is left alone
LEVERAGES = (2, 3)  # from, to: the lowest that reaches the symbol's smallest order is taken
LEAST_DISTANCE = Decimal("0.006")  # of a stop or target from the price: well above what a round trip costs
CERTAIN = Decimal("0.98")  # of the equity that is told: what is closed in the same answer costs something first
_CONFIDENCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """What a rule wants to do with one symbol.

    Attributes:
        leverage: None for the lowest that reaches the symbol's smallest order; where it is given, any size will do.
        limit_distance: Between the price and the limit it enters at, USDT; None for an entry at the market.
        stop_distance, target_distance: From the price, or from the limit, USDT.
    """

    symbol: str
    action: Action
    reason: str
    invalidation: str = "the rule's condition no longer holds"
    size_percent: int = SIZE_PERCENT
    leverage: int | None = None
    limit_distance: Decimal | None = None
    stop_distance: Decimal = Decimal(0)
    target_distance: Decimal = Decimal(0)


def keep_or_close(held: ReadPosition, over: bool, reason: str) -> Idea:
    """Return the idea of closing what is over, and of holding what is not."""
    return Idea(symbol=held.symbol, action=Action.CLOSE if over else Action.HOLD, reason=reason)


def opening(
    market: ReadSymbol,
    action: Action,
    reason: str,
    invalidation: str,
    stop: Decimal,
    target: Decimal,
    size_percent: int = SIZE_PERCENT,
) -> Idea:
    """Return the idea of an opening with stop and target at these distances, at least `LEAST_DISTANCE` of the price."""
    least = market.last * LEAST_DISTANCE
    return Idea(
        symbol=market.symbol,
        action=action,
        reason=reason,
        invalidation=invalidation,
        size_percent=size_percent,
        stop_distance=max(stop, least),
        target_distance=max(target, least),
    )


def answer(prompt: ReadPrompt, ideas: Iterable[Idea]) -> str:
    """Return the answer; an opening for which there is no room, slot or leverage is left out."""
    room, slots = prompt.largest_size_percent, prompt.max_open_positions - len(prompt.positions)
    entries = []
    for idea in ideas:
        if idea.action not in prompt.actions.get(idea.symbol, ()):
            continue
        if idea.action in (Action.HOLD, Action.CLOSE):
            entries.append(_entry(idea))
            continue
        market, size = prompt.symbols[idea.symbol], min(idea.size_percent, room)
        leverage, levels = idea.leverage or _leverage(prompt, market, size), _levels(market, idea)
        if leverage is None or levels is None or size < (1 if idea.leverage else LEAST_PERCENT) or slots < 1:
            continue
        entries.append(_entry(idea, size, leverage, *levels))
        room, slots = room - size, slots - 1
    return f'{{"decisions": [{", ".join(entries)}]}}'


def _leverage(prompt: ReadPrompt, market: ReadSymbol, size_percent: int) -> int | None:
    """Return the lowest leverage at which the size is an order that the venue takes."""
    top = min(LEVERAGES[1], prompt.max_leverage, market.venue_max_leverage)
    for leverage in range(min(LEVERAGES[0], top), top + 1):
        notional = prompt.equity * CERTAIN * size_percent / 100 * leverage
        quantity = floor_to(notional / max(market.last, market.mark), market.step)
        if quantity >= market.min_quantity and quantity * min(market.last, market.mark) >= market.min_notional:
            return leverage
    return None


def _levels(market: ReadSymbol, idea: Idea) -> tuple[Decimal | None, Decimal, Decimal] | None:
    """Return limit, stop and target on ticks, beyond both last and mark; None where a price would not be positive."""
    low, high = sorted((market.last, market.mark))
    away, tick = idea.limit_distance, market.tick
    if idea.action is Action.OPEN_LONG:
        limit = None if away is None else floor_to(low - away, tick)
        stop, target = floor_to((limit or low) - idea.stop_distance, tick), ceil_to((limit or high) + idea.target_distance, tick)
    else:
        limit = None if away is None else ceil_to(high + away, tick)
        stop, target = ceil_to((limit or high) + idea.stop_distance, tick), floor_to((limit or low) - idea.target_distance, tick)
    return (limit, stop, target) if min(stop, target) > 0 else None


def _entry(
    idea: Idea,
    size_percent: int = 0,
    leverage: int = 0,
    limit: Decimal | None = None,
    stop: Decimal | None = None,
    target: Decimal | None = None,
) -> str:
    fields = {
        "symbol": json.dumps(idea.symbol),
        "action": json.dumps(idea.action),
        "size_percent": str(size_percent),
        "leverage": str(leverage),
        "entry_type": json.dumps(EntryType.MARKET if limit is None else EntryType.LIMIT),
        "limit_price": _number(limit),
        "stop_price": _number(stop),
        "target_price": _number(target),
        "confidence": str(_CONFIDENCE),
        "invalidation": json.dumps(idea.invalidation),
        "reason": json.dumps(f"baseline rule: {idea.reason}"),
    }
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


def _number(price: Decimal | None) -> str:
    return "null" if price is None else json.dumps(plain(price))  # a text: a Decimal never passes through a float
