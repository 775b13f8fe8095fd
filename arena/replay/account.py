"""One competitor's season, compiled: what it wants is tried at the open of each bar, then the bar is lived through."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from arena.adapters.recorded.files import Floats, Integers
from arena.replay.bar import (
    BASIS,
    CLOSED,
    COLUMNS,
    COST,
    FILLS,
    HELD,
    HOLDING,
    OPENED,
    STOP_AT,
    TARGET_AT,
    State,
    close,
    live,
    margin,
    touches,
    trade,
    worse,
)
from arena.replay.contracts import CAP, CEILING, FEE, LARGEST, LEAST, SMALLEST, UNIT, Contracts
from arena.replay.machine import compiled
from arena.replay.tape import HIGH, LOW, MARK, MARK_HIGH, MARK_LOW, OPEN, SHOWN, TRADED, Bars

SHORT, FLAT, LONG, HOLD = -1, 0, 1, 2  # what a competitor wants of a symbol
NO_MARKET, QUANTITY, NOTIONAL, LEVERAGE, MARGIN = 0, 1, 2, 3, 4  # why an opening is refused
ROOM = 64  # fills, at first
_WHOLE = 1e-9  # of a step; what doubles lose of an exact quotient

Wants = npt.NDArray[np.int8]


class Terms(NamedTuple):
    """How a competitor trades.

    Attributes:
        capital: USDT.
        leverage: A whole multiple.
        value, share: An opening is worth `value` USDT and `share` of the equity.
        stop, target: Distance from the fill, basis points; 0 for none.
        slippage: Hundredths of a basis point.
    """

    capital: float
    leverage: int
    value: float
    share: float
    stop: int
    target: int
    slippage: int


@compiled
def nearest(price: int, points: int) -> int:
    """Return a price times (1 + points / BASIS), at the nearest tick, half to even."""
    scaled = price * (BASIS + points)
    whole, rest = scaled // BASIS, scaled % BASIS
    if 2 * rest > BASIS or (2 * rest == BASIS and whole % 2 == 1):
        whole += 1
    return whole


@compiled
def equity(state: State, contracts: Contracts, field: Integers, bar: int) -> float:
    """Return wallet and unrealised profit at a bar's open, USDT."""
    total = state.wallet[0]
    for symbol in range(field.shape[2]):
        held = state.position[HELD, symbol]
        if held != 0:
            total += (held * field[bar, MARK, symbol] - state.position[COST, symbol]) * contracts.filters[symbol, UNIT]
    return total


@compiled
def refusal(
    state: State, contracts: Contracts, terms: Terms, field: Integers, bar: int, symbol: int, steps: int, price: int
) -> int:
    """Return why the venue refuses an opening at `price`; -1 where it does not. As `Floor` checks, in its order."""
    filters, tiers = contracts.filters, contracts.tiers
    if not filters[symbol, SMALLEST] <= steps <= filters[symbol, LARGEST]:
        return QUANTITY
    notional = steps * field[bar, MARK, symbol] * filters[symbol, UNIT]
    if notional < filters[symbol, LEAST]:
        return NOTIONAL
    tier = 0
    while notional > tiers[symbol, tier, CAP]:
        tier += 1
    if terms.leverage > tiers[symbol, tier, CEILING]:
        return LEVERAGE
    cost = steps * price * filters[symbol, UNIT]
    free = equity(state, contracts, field, bar)
    for other in range(field.shape[2]):
        free -= abs(state.position[HELD, other]) * field[bar, MARK, other] * filters[other, UNIT] / terms.leverage
    return MARGIN if cost / terms.leverage + cost * filters[symbol, FEE] > free else -1


@compiled
def enter(
    state: State,
    contracts: Contracts,
    terms: Terms,
    field: Integers,
    fills: Any,
    refused: Integers,
    bar: int,
    symbol: int,
    side: int,
) -> Any:
    """Open a position with stop and target, unless the venue refuses it; one whose stop it refuses is closed again."""
    opened = field[bar, OPEN, symbol]
    if field[bar, SHOWN, symbol] != TRADED:
        refused[NO_MARKET] += 1
        return fills
    worth = terms.value + terms.share * equity(state, contracts, field, bar)
    steps = np.int64(np.floor(worth / (opened * contracts.filters[symbol, UNIT]) + _WHOLE))
    price = worse(opened, side > 0, terms.slippage)
    why = refusal(state, contracts, terms, field, bar, symbol, steps, price)
    if why >= 0:
        refused[why] += 1
        return fills
    fills = trade(state, contracts, fills, bar, symbol, OPENED, side * steps, price)
    if terms.stop:
        stop = nearest(price, -side * terms.stop)
        if touches(stop, side < 0, opened):
            return close(state, contracts, fills, bar, symbol, CLOSED, opened, terms.slippage)
        state.position[STOP_AT, symbol] = stop
    if terms.target:
        target = nearest(price, side * terms.target)
        if not touches(target, side > 0, opened):
            state.position[TARGET_AT, symbol] = target
    return fills


@compiled
def decide(
    state: State, contracts: Contracts, terms: Terms, field: Integers, fills: Any, refused: Integers, bar: int, wants: Wants
) -> Any:
    """Leave what is not wanted any more, then enter what is, symbol by symbol."""
    position = state.position
    for symbol in range(field.shape[2]):
        want, held = wants[bar, symbol], position[HELD, symbol]
        if held != 0 and field[bar, SHOWN, symbol] == TRADED and want != HOLD and want * held <= 0:
            fills = close(state, contracts, fills, bar, symbol, CLOSED, field[bar, OPEN, symbol], terms.slippage)
    for symbol in range(field.shape[2]):
        want = wants[bar, symbol]
        if position[HELD, symbol] == 0 and (want == LONG or want == SHORT):
            fills = enter(state, contracts, terms, field, fills, refused, bar, symbol, want)
    return fills


@compiled
def charge(state: State, contracts: Contracts, bars: Bars, next_one: int, until: int) -> tuple[int, float]:
    """Charge the fundings from number `next_one` up to an instant (ms); return the next one's number, and what was paid (USDT)."""
    paid = 0.0
    while next_one < len(bars.funding) and bars.funding[next_one, 0] <= until:
        symbol, mark = bars.funding[next_one, 1], bars.funding[next_one, 2]
        due = state.position[HELD, symbol] * mark * contracts.filters[symbol, UNIT] * bars.funding_rate[next_one]
        state.wallet[0] -= due
        paid += due
        next_one += 1
    return next_one, paid


@compiled
def wanted(position: Integers, wants: Wants, bar: int) -> bool:
    """Return whether anything that is wanted of a bar differs from what is held."""
    for symbol in range(wants.shape[1]):
        want, held = wants[bar, symbol], position[HELD, symbol]
        if want != HOLD and ((held == 0 and want != FLAT) or (held != 0 and want * held <= 0)):
            return True
    return False


@compiled
def quiet(state: State, contracts: Contracts, field: Integers, bar: int) -> bool:
    """Return whether certainly no stop or target is touched in a bar, and the margin lasts: most bars are."""
    position, filters = state.position, contracts.filters
    low = high = state.wallet[0]
    for symbol in range(field.shape[2]):
        held = position[HELD, symbol]
        if held == 0:
            continue
        stop, target = position[STOP_AT, symbol], position[TARGET_AT, symbol]
        if field[bar, SHOWN, symbol] == TRADED:
            lowest, highest = field[bar, LOW, symbol], field[bar, HIGH, symbol]
            if held > 0 and (lowest <= stop or (target != 0 and highest >= target)):
                return False
            if held < 0 and ((stop != 0 and highest >= stop) or lowest <= target):
                return False
        size, paid = held * filters[symbol, UNIT], position[COST, symbol] * filters[symbol, UNIT]
        need = margin(abs(size) * field[bar, MARK_HIGH, symbol], contracts.tiers, symbol)  # no mark in the bar needs more
        low += size * field[bar, MARK_LOW, symbol] - paid - need
        high += size * field[bar, MARK_HIGH, symbol] - paid - need
    return low > 0 and high > 0


@compiled
def season(
    bars: Bars, interval_ms: int, contracts: Contracts, terms: Terms, wants: Wants, every: int
) -> tuple[Any, Any, Any, float]:
    """Play a season; return its fills, the equity at every so many opens and at the end (USDT), refusals by reason, and fundings (USDT).

    Args:
        bars: The market.
        interval_ms: Length of a bar.
        contracts: Of its symbols.
        terms: How the competitor trades.
        wants: What it wants when each bar opens, shape (T, S); it must not know the bar.
        every: Bars between two points of the equity.
    """
    field, length = bars.field, len(bars.open_ms)
    state = State(np.array([terms.capital]), np.zeros((5, field.shape[2]), np.int64), np.zeros(3, np.int64))
    fills = np.empty((ROOM, COLUMNS), np.int64)
    refused = np.zeros(5, np.int64)
    curve = np.empty((length + every - 1) // every + 1)
    funding, paid, due = 0, 0.0, 0.0
    for bar in range(length):
        funding, due = charge(state, contracts, bars, funding, bars.open_ms[bar])
        paid += due
        if bar % every == 0:
            curve[bar // every] = equity(state, contracts, field, bar)
        if wanted(state.position, wants, bar):
            fills = decide(state, contracts, terms, field, fills, refused, bar, wants)
        funding, due = charge(state, contracts, bars, funding, bars.open_ms[bar] + interval_ms - 1)
        paid += due
        if state.count[HOLDING] > 0 and not quiet(state, contracts, field, bar):
            fills = live(state, contracts, field, fills, bar, terms.slippage)
    funding, due = charge(state, contracts, bars, funding, bars.open_ms[length - 1] + interval_ms)
    curve[-1] = equity(state, contracts, field, length)
    return fills[: state.count[FILLS]].copy(), curve, refused, paid + due
