"""Bars in which certainly nothing happens to an account, told by few comparisons: most bars are.

Around what is held a corridor is drawn: of each symbol, the prices between its stop and its target, and marks so near to the
present ones that the margin lasts wherever all of them go. As long as no price leaves it, a bar need not be looked at closely.
"""

from __future__ import annotations

import numpy as np

from arena.adapters.recorded.files import Floats
from arena.replay.contracts import UNIT
from arena.replay.decisions import Wants, wanted
from arena.replay.liquidation import excess
from arena.replay.machine import compiled, integer
from arena.replay.seat import (
    BALANCE,
    COST,
    HELD,
    HIGHEST,
    HOLDING,
    LOWEST,
    MARK_HIGHEST,
    MARK_LOWEST,
    STOP_AT,
    TARGET_AT,
    WHOSE,
    Seat,
)
from arena.replay.tape import HIGH, HIGHEST_PRICE, LOW, MARK, MARK_HIGH, MARK_LOW

_SPENT = 0.499  # of the margin's excess: a mark that moves costs its move, and of the margin no more than that again


@compiled
def draw(seat: Seat, bar: int) -> None:
    """Draw the corridor around the marks of a bar's open."""
    position, corridor = seat.position, seat.corridor
    each = 0
    spent = _SPENT * excess(seat, bar, MARK, 0.0) / max(1, seat.counts[HOLDING])
    for symbol in range(position.shape[1]):
        held = position[HELD, symbol]
        if held == 0:
            continue
        stop, target, mark = position[STOP_AT, symbol], position[TARGET_AT, symbol], integer(seat.field[bar, symbol, MARK])
        below, above = (stop, target) if held > 0 else (target, stop)
        reach = int(np.floor(spent / (abs(held) * seat.filters[symbol, UNIT])))
        corridor[each, WHOSE] = symbol
        corridor[each, LOWEST] = below + 1  # the price of a symbol without a bar is 0
        corridor[each, HIGHEST] = above - 1 if above > 0 else HIGHEST_PRICE
        corridor[each, MARK_LOWEST] = mark - reach
        corridor[each, MARK_HIGHEST] = mark + reach
        each += 1


@compiled
def within(seat: Seat, bar: int) -> bool:
    """Return whether a bar lies in the corridor."""
    field, corridor = seat.field, seat.corridor
    for each in range(seat.counts[HOLDING]):
        symbol = corridor[each, WHOSE]
        if (
            field[bar, symbol, LOW] < corridor[each, LOWEST]
            or field[bar, symbol, HIGH] > corridor[each, HIGHEST]
            or field[bar, symbol, MARK_LOW] < corridor[each, MARK_LOWEST]
            or field[bar, symbol, MARK_HIGH] > corridor[each, MARK_HIGHEST]
        ):
            return False
    return True


@compiled
def glide(seat: Seat, wants: Wants, curve: Floats, every: int, bar: int, until: int) -> int:
    """Note the equity of the bars from `bar` up to the first one in which something may happen; return that, or `until`."""
    field, position, corridor = seat.field, seat.position, seat.corridor
    point = (bar + every - 1) // every
    while bar < until and not wanted(position, wants, bar) and within(seat, bar):
        if bar == point * every:
            worth = seat.wallet[BALANCE]
            for each in range(seat.counts[HOLDING]):
                symbol = corridor[each, WHOSE]
                paid = position[COST, symbol]
                worth += (position[HELD, symbol] * field[bar, symbol, MARK] - paid) * seat.filters[symbol, UNIT]
            curve[point] = worth
            point += 1
        bar += 1
    return bar
