"""A turn told in one sentence: what was decided, and what came of it. The next prompt and the report show it.

What comes of a limit order is known after its turn has been told: it is put in when the turn is told again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from arena.application.record import BookedFill, Turn
from arena.domain.client_id import of_the_same_entry
from arena.domain.decision import OPENING, Action, Decision, InvalidDecision, NoAnswer, SymbolDecision
from arena.domain.money import ZERO, plain
from arena.domain.order import Fill, Intent, Leg, Order, OrderOutcome, OrderStatus, OrderType

_OPEN = (OrderStatus.RESTING, OrderStatus.UNKNOWN)
_LEAVING = frozenset({Action.CLOSE, Action.REDUCE})
_RESTS = "rests until the next round"
PAST_TURNS = 6  # half an hour at the usual cadence: so many are told
_INVALID, _UNANSWERED = "invalid answer: ", "no answer ("
LONGEST_ERROR = 200  # characters; a provider's error page would drown the prompt


def summary(turn: Turn, fills: Sequence[BookedFill]) -> str:
    """Return what a competitor decided and what came of it, in one line.

    `open_long BTCUSDT 20 % at 3x: filled 0.004 at 93500.1; ETHUSDT hold`

    Args:
        turn: Of a booked cycle.
        fills: Booked in that cycle; those of other orders are ignored.
    """
    arena_did = forced(turn, fills)
    match turn.answer:
        case InvalidDecision(error=error):
            return f"{_INVALID}{_short(error)}; {arena_did or 'nothing was done'}"
        case NoAnswer(kind=kind, error=error):
            return f"{_UNANSWERED}{kind}): {_short(error)}; {arena_did or 'nothing was done'}"
        case decision:
            told = [_told(wanted, turn, fills) for wanted in decision.symbols] or ["held everything"]
            return "; ".join([*told, arena_did] if arena_did else told)


def failure_in(summary: str) -> str | None:
    """Return which failure a summary tells of: `invalid`, or the kind of a `NoAnswer`; None where it tells of a decision."""
    if summary.startswith(_INVALID):
        return "invalid"
    return summary.removeprefix(_UNANSWERED).partition(")")[0] if summary.startswith(_UNANSWERED) else None


def retold(summary: str, order: Order, fills: Sequence[Fill]) -> str:
    """Return a turn's summary with what has become of one of its limit orders.

    `open_long BTCUSDT 20 % at 3x, limit 60000: not filled, expired`

    Args:
        summary: As it was told while the order rested.
        order: That has ended.
        fills: Of the order, all of them.
    """
    place = rf"(open_(?:long|short) {order.symbol} [^;]*: )(?:filled [^;,]*, )?{_RESTS}"
    return re.sub(place, lambda match: match[1] + _ended(order, fills), summary, count=1)


def _ended(order: Order, fills: Sequence[Fill]) -> str:
    filled = sum((fill.quantity for fill in fills), ZERO)
    if not filled:
        return "not filled, expired"
    if filled < order.quantity:
        return f"filled {plain(filled)} of {plain(order.quantity)} at {plain(average_price(fills))}, the rest expired"
    return f"filled {plain(filled)} at {plain(average_price(fills))}"


def forced(turn: Turn, fills: Sequence[BookedFill]) -> str:
    """Return what the arena closed without being asked (a liquidation, an overclosed position); empty where nothing."""
    wanted = {each.symbol for each in turn.answer.symbols if each.action in _LEAVING} if isinstance(turn.answer, Decision) else ()
    closings = [leaving.closing for leaving in turn.plan.exits] if turn.plan else []
    return "; ".join(
        f"{closing.order.symbol} closed by the arena: {', '.join(_executed(closing, turn, fills)) or 'not sent'}"
        for closing in closings
        if closing.leg in (Leg.FLATTEN, Leg.LIQUIDATE) and closing.order.symbol not in wanted
    )


def came_of(wanted: SymbolDecision, turn: Turn, fills: Sequence[BookedFill]) -> str:
    """Return what became of one symbol's part of a decision (rejected, refused, filled at a price); empty for a hold."""
    if wanted.action is Action.HOLD:
        return ""
    intent = _intent(wanted, turn)
    parts = [f"rejected: {detail}" for detail in _rejections(wanted, turn)]
    if intent is not None:
        parts += [*_skipped(wanted, turn), *_executed(intent, turn, fills), *_taken_back(wanted, turn, fills)]
    note = (turn.plan.notes or {}).get(wanted.symbol) if turn.plan else None
    return ", ".join([*([note] if note else []), *parts]) or "nothing was sent"


def average_price(fills: Sequence[Fill]) -> Decimal:
    """Return the mean price of ≥ 1 fills weighted by quantity, two digits finer than theirs, USDT."""
    prices = {fill.price for fill in fills}
    if len(prices) == 1:
        return prices.pop()
    finest = min(int(price.as_tuple().exponent) for price in prices) - 2
    mean = sum((fill.notional for fill in fills), ZERO) / sum((fill.quantity for fill in fills), ZERO)
    return mean.quantize(Decimal(1).scaleb(finest))


def _told(wanted: SymbolDecision, turn: Turn, fills: Sequence[BookedFill]) -> str:
    if wanted.action is Action.HOLD:
        return f"{wanted.symbol} hold"
    said = f"{wanted.action} {wanted.symbol}"
    if wanted.action in OPENING:
        said += f" {wanted.size_percent} % at {wanted.leverage}x"
        said += f", limit {plain(wanted.limit_price)}" if wanted.limit_price is not None else ""
    elif wanted.action is Action.REDUCE:
        said += f" by {wanted.size_percent} %"
    return f"{said}: {came_of(wanted, turn, fills)}"


def _intent(wanted: SymbolDecision, turn: Turn) -> Intent | None:
    """Return the order that carries a symbol's decision out, without its stop and target."""
    if turn.plan is None:
        return None
    planned = (
        (entry.opening for entry in turn.plan.entries)
        if wanted.action in OPENING
        else (leaving.closing for leaving in turn.plan.exits)
    )
    return next((intent for intent in planned if intent.order.symbol == wanted.symbol), None)


def _rejections(wanted: SymbolDecision, turn: Turn) -> list[str]:
    found = turn.plan.rejections if turn.plan else ()
    return [each.detail for each in found if (each.symbol, each.action) == (wanted.symbol, wanted.action)]


def _skipped(wanted: SymbolDecision, turn: Turn) -> list[str]:
    why = turn.skipped.get(wanted.symbol)
    return [f"not sent: {why}"] if why else []


def _taken_back(wanted: SymbolDecision, turn: Turn, fills: Sequence[BookedFill]) -> list[str]:
    """Return what came of closing an entry again, whose stop the venue had refused."""
    entries = turn.plan.entries if turn.plan and wanted.action in OPENING else ()
    fallback = next((entry.fallback for entry in entries if entry.opening.order.symbol == wanted.symbol), None)
    if fallback is None or (done := _executed(fallback, turn, fills)) == []:
        return []
    return [f"closed again because the venue refused its stop: {done[0]}"]


def _executed(intent: Intent, turn: Turn, fills: Sequence[BookedFill]) -> list[str]:
    name = intent.order.client_order_id
    own = [booked.fill for booked in fills if booked.fill.client_order_id == name]
    outcome = _outcome(name, turn)
    filled = sum((fill.quantity for fill in own), ZERO)
    said = [f"filled {plain(filled)} at {plain(average_price(own))}"] if own else []
    limit = intent.order.order_type is OrderType.LIMIT
    if limit and outcome is not None and outcome.status in _OPEN and filled < intent.order.quantity:
        return [*said, _RESTS]
    if said or outcome is None:
        return said
    match outcome.status:
        case OrderStatus.FILLED:
            return [f"filled {plain(outcome.filled_quantity)}"]
        case OrderStatus.RESTING:
            return ["resting at the venue"]
        case OrderStatus.REFUSED:
            return [_refused(intent, outcome, turn)]
        case OrderStatus.UNKNOWN:
            return ["the venue did not say whether it was filled"]


def _refused(intent: Intent, outcome: OrderOutcome, turn: Turn) -> str:
    """Return why an order came to nothing; an opening whose stop was sent has been at the venue itself."""
    stop = _outcome(of_the_same_entry(outcome.client_order_id, Leg.STOP), turn) if intent.leg is Leg.OPEN else None
    if stop is not None and stop.status is OrderStatus.REFUSED:
        return "cancelled because the venue refused its stop"
    return f"refused by the venue: {_short(outcome.message) or outcome.code}"


def _outcome(client_id: str, turn: Turn) -> OrderOutcome | None:
    return next((each for each in turn.outcomes if each.client_order_id == client_id), None)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_ERROR else line[: LONGEST_ERROR - 1] + "…"
