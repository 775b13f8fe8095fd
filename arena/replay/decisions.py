"""What a competitor wants when a bar opens, and what comes of it: leaving, then entering, as the venue allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arena.adapters.recorded.files import Integers
from arena.replay.contracts import CEILING, FEE, LARGEST, LEAST, SMALLEST, UNIT
from arena.replay.machine import compiled, integer
from arena.replay.seat import (
    BASIS,
    CLOSED,
    HELD,
    LEVERAGE,
    MARGIN,
    NO_MARKET,
    NOTIONAL,
    OPENED,
    QUANTITY,
    STOP_AT,
    TARGET_AT,
    Seat,
    close,
    equity,
    tier_of,
    touches,
    trade,
    worse,
)
from arena.replay.tape import MARK, OPEN, SHOWN, TRADED

SHORT, FLAT, LONG, HOLD = -1, 0, 1, 2  # what a competitor wants of a symbol
_WHOLE = 1e-9  # of a step; what doubles lose of an exact quotient

Wants = npt.NDArray[np.int8]


@compiled
def wanted(position: Integers, wants: Wants, bar: int) -> bool:
    """Return whether anything that is wanted of a bar differs from what is held."""
    for symbol in range(wants.shape[1]):
        want, held = wants[bar, symbol], position[HELD, symbol]
        if want != HOLD and ((held == 0 and want != FLAT) or (held != 0 and want * held <= 0)):
            return True
    return False


@compiled
def decide(seat: Seat, fills: Integers, bar: int, wants: Wants) -> None:
    """Leave what is not wanted any more, then enter what is, symbol by symbol."""
    field, position = seat.field, seat.position
    for symbol in range(field.shape[1]):
        want, held = wants[bar, symbol], position[HELD, symbol]
        if held != 0 and field[bar, symbol, SHOWN] == TRADED and want != HOLD and want * held <= 0:
            close(seat, fills, bar, symbol, CLOSED, integer(field[bar, symbol, OPEN]))
    for symbol in range(field.shape[1]):
        want = wants[bar, symbol]
        if position[HELD, symbol] == 0 and want in (LONG, SHORT):
            enter(seat, fills, bar, symbol, int(want))


@compiled
def enter(seat: Seat, fills: Integers, bar: int, symbol: int, side: int) -> None:
    """Open a position with stop and target, unless the venue refuses it; one whose stop it refuses is closed again."""
    field, position = seat.field, seat.position
    opened = integer(field[bar, symbol, OPEN])
    if field[bar, symbol, SHOWN] != TRADED:
        seat.refused[NO_MARKET] += 1
        return
    worth = seat.terms.value + seat.terms.share * equity(seat, bar)
    steps = int(np.floor(worth / (opened * seat.filters[symbol, UNIT]) + _WHOLE))
    price = worse(opened, side > 0, seat.terms.slippage)
    why = refusal(seat, bar, symbol, steps, price)
    if why >= 0:
        seat.refused[why] += 1
        return
    trade(seat, fills, bar, symbol, OPENED, side * steps, price)
    if seat.terms.stop:
        stop = nearest(price, -side * seat.terms.stop)
        if touches(stop, side < 0, opened):
            close(seat, fills, bar, symbol, CLOSED, opened)
            return
        position[STOP_AT, symbol] = stop
    if seat.terms.target:
        target = nearest(price, side * seat.terms.target)
        if not touches(target, side > 0, opened):
            position[TARGET_AT, symbol] = target


@compiled
def refusal(seat: Seat, bar: int, symbol: int, steps: int, price: int) -> int:
    """Return why the venue refuses an opening at `price`; -1 where it does not. As `Floor` checks, in its order."""
    field, position = seat.field, seat.position
    filters, tiers = seat.filters, seat.tiers
    if not filters[symbol, SMALLEST] <= steps <= filters[symbol, LARGEST]:
        return QUANTITY
    notional = steps * integer(field[bar, symbol, MARK]) * filters[symbol, UNIT]
    if notional < filters[symbol, LEAST]:
        return NOTIONAL
    if seat.terms.leverage > tiers[symbol, tier_of(notional, tiers, symbol), CEILING]:
        return LEVERAGE
    cost = steps * price * filters[symbol, UNIT]
    free = equity(seat, bar)
    for other in range(field.shape[1]):
        free -= abs(position[HELD, other]) * field[bar, other, MARK] * filters[other, UNIT] / seat.terms.leverage
    return MARGIN if cost / seat.terms.leverage + cost * filters[symbol, FEE] > free else -1


@compiled
def nearest(price: int, points: int) -> int:
    """Return a price times (1 + points / BASIS), at the nearest tick, half to even."""
    scaled = price * (BASIS + points)
    whole, rest = scaled // BASIS, scaled % BASIS
    if 2 * rest > BASIS or (2 * rest == BASIS and whole % 2 == 1):
        whole += 1
    return whole
