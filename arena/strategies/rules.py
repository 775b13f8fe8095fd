"""The baselines: deterministic rules that read the prompt and answer in its schema. What a model earns is measured against them.

Each is a pure function from what the prompt says to the answer's JSON text. None touches a symbol with data it would need and
does not have, and none asks for more than the account section says is possible.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from arena.domain.decision import Action
from arena.domain.money import ceil_to, floor_to, plain
from arena.domain.order import PositionSide
from arena.strategies.prompt_reader import ReadPosition, ReadPrompt, ReadSymbol

Rule = Callable[[ReadPrompt], str]

SIZE_PERCENT = 25
BASKET_PERCENT = 15  # buy and hold spreads over more symbols
LEAST_PERCENT = 10  # less room than this is left alone
LEVERAGES = (2, 3)  # from, to: the lowest that reaches the symbol's smallest order is taken
LEAST_DISTANCE = Decimal("0.006")  # of a stop or target from the price: well above what a round trip costs
OVERSOLD, MIDDLE, OVERBOUGHT = Decimal(30), Decimal(50), Decimal(70)
TRENDING = Decimal(20)  # ADX
RARITY = 12  # the random rule acts in one cycle of so many: about once an hour
_CONFIDENCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """What a rule wants to do with one symbol; stop and target as distances from the price, USDT."""

    symbol: str
    action: Action
    reason: str
    invalidation: str = "the rule's condition no longer holds"
    size_percent: int = SIZE_PERCENT
    stop_distance: Decimal = Decimal(0)
    target_distance: Decimal = Decimal(0)


def rsi_mean_reversion(prompt: ReadPrompt) -> str:
    """Buy what is oversold, sell what is overbought (RSI 14, 30 and 70), and leave in the middle."""
    ideas: list[tuple[Decimal, Idea]] = []
    for symbol, market in prompt.symbols.items():
        rsi, atr = market.newest("rsi14"), market.newest("atr14")
        if rsi is None or atr is None:
            continue
        held = prompt.positions.get(symbol)
        if held is not None:
            over = rsi >= MIDDLE if held.side is PositionSide.LONG else rsi <= MIDDLE
            ideas.append((Decimal(0), _keep_or_close(held, over, f"RSI14 is {rsi}")))
        elif rsi <= OVERSOLD or rsi >= OVERBOUGHT:
            action = Action.OPEN_LONG if rsi <= OVERSOLD else Action.OPEN_SHORT
            idea = _open(market, action, f"RSI14 is {rsi}", f"RSI14 does not return to {MIDDLE}", atr * 3, atr * 3)
            ideas.append((abs(rsi - MIDDLE), idea))
    return _answer(prompt, (idea for _, idea in sorted(ideas, key=lambda pair: (-pair[0], pair[1].symbol))))


def ema_trend(prompt: ReadPrompt) -> str:
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
            ideas.append(_keep_or_close(held, crossed, why))
        elif adx >= TRENDING and fast > slow and market.last > fast:
            ideas.append(_open(market, Action.OPEN_LONG, why, "EMA20 falls below EMA50", atr * 3, atr * 6))
        elif adx >= TRENDING and fast < slow and market.last < fast:
            ideas.append(_open(market, Action.OPEN_SHORT, why, "EMA20 rises above EMA50", atr * 3, atr * 6))
    return _answer(prompt, ideas)


def buy_and_hold(prompt: ReadPrompt) -> str:
    """Hold an equal share of every symbol that fits, with a stop far away."""
    ideas = []
    for symbol, market in prompt.symbols.items():
        if symbol in prompt.positions:
            ideas.append(_keep_or_close(prompt.positions[symbol], False, "held to the end"))
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
    return _answer(prompt, ideas)


def random_trades(prompt: ReadPrompt) -> str:
    """Open or close something about once an hour, long or short alike; the prompt's own digest is the dice."""
    dice = int(hashlib.sha256(f"random {prompt.digest}".encode()).hexdigest(), 16)
    dice, turn = divmod(dice, RARITY)
    known = {symbol: atr for symbol, market in sorted(prompt.symbols.items()) if (atr := market.newest("atr14")) is not None}
    ideas = []
    if turn == 0 and known:
        dice, index = divmod(dice, len(known))
        symbol, atr = list(known.items())[index]
        if symbol in prompt.positions:
            ideas.append(_keep_or_close(prompt.positions[symbol], True, "the dice say so"))
        else:
            action = (Action.OPEN_LONG, Action.OPEN_SHORT)[dice % 2]
            ideas.append(_open(prompt.symbols[symbol], action, "the dice say so", "none", atr * 4, atr * 4))
    return _answer(prompt, ideas)


RULES: Mapping[str, Rule] = {
    "rsi-mean-reversion": rsi_mean_reversion,
    "ema-trend": ema_trend,
    "buy-and-hold": buy_and_hold,
    "random": random_trades,
}


def is_baseline(model: str) -> bool:
    """Return whether a model name means one of the rules; what follows a `?` asks the simulator for a fault."""
    return model.partition("?")[0] in RULES


def _keep_or_close(held: ReadPosition, over: bool, reason: str) -> Idea:
    return Idea(symbol=held.symbol, action=Action.CLOSE if over else Action.HOLD, reason=reason)


def _open(market: ReadSymbol, action: Action, reason: str, invalidation: str, stop: Decimal, target: Decimal) -> Idea:
    least = market.last * LEAST_DISTANCE
    return Idea(
        symbol=market.symbol,
        action=action,
        reason=reason,
        invalidation=invalidation,
        stop_distance=max(stop, least),
        target_distance=max(target, least),
    )


def _answer(prompt: ReadPrompt, ideas: Iterable[Idea]) -> str:
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
        leverage, levels = _leverage(prompt, market, size), _levels(market, idea)
        if leverage is None or levels is None or size < LEAST_PERCENT or slots < 1:
            continue
        entries.append(_entry(idea, size, leverage, *levels))
        room, slots = room - size, slots - 1
    return f'{{"decisions": [{", ".join(entries)}]}}'


def _leverage(prompt: ReadPrompt, market: ReadSymbol, size_percent: int) -> int | None:
    """Return the lowest leverage at which the size is an order that the venue takes."""
    top = min(LEVERAGES[1], prompt.max_leverage, market.venue_max_leverage)
    for leverage in range(min(LEVERAGES[0], top), top + 1):
        notional = prompt.equity * size_percent / 100 * leverage
        quantity = floor_to(notional / max(market.last, market.mark), market.step)
        if quantity >= market.min_quantity and quantity * min(market.last, market.mark) >= market.min_notional:
            return leverage
    return None


def _levels(market: ReadSymbol, idea: Idea) -> tuple[Decimal, Decimal] | None:
    """Return stop and target on ticks, on their sides of both last and mark; None where a price would not be positive."""
    low, high = sorted((market.last, market.mark))
    if idea.action is Action.OPEN_LONG:
        stop, target = floor_to(low - idea.stop_distance, market.tick), ceil_to(high + idea.target_distance, market.tick)
    else:
        stop, target = ceil_to(high + idea.stop_distance, market.tick), floor_to(low - idea.target_distance, market.tick)
    return (stop, target) if min(stop, target) > 0 else None


def _entry(
    idea: Idea, size_percent: int = 0, leverage: int = 0, stop: Decimal | None = None, target: Decimal | None = None
) -> str:
    fields = {
        "symbol": json.dumps(idea.symbol),
        "action": json.dumps(idea.action),
        "size_percent": str(size_percent),
        "leverage": str(leverage),
        "entry_type": '"market"',
        "limit_price": "null",
        "stop_price": "null" if stop is None else plain(stop),  # exact: a Decimal never passes through a float
        "target_price": "null" if target is None else plain(target),
        "confidence": str(_CONFIDENCE),
        "invalidation": json.dumps(idea.invalidation),
        "reason": json.dumps(f"baseline rule: {idea.reason}"),
    }
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"
