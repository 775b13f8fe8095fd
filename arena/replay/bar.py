"""What happens inside one bar to one account. The rules are `arena.adapters.paper.matching`'s, and so is their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from arena.replay.contracts import UNIT
from arena.replay.liquidation import liquidate, liquidation_point
from arena.replay.machine import compiled
from arena.replay.seat import (
    COST,
    ENTRY,
    HELD,
    HOLDING,
    STOP,
    STOP_AT,
    TARGET,
    TARGET_AT,
    Seat,
    close,
    margin,
    touches,
)
from arena.replay.tape import ABSENT, HIGH, LOW, MARK_HIGH, MARK_LOW, OPEN, SHOWN, TRADED


@compiled
def quiet(seat: Seat, bar: int) -> bool:
    """Return whether certainly no stop or target is touched in a bar, and the margin lasts: most bars are."""
    field, position = seat.field, seat.position
    filters = seat.filters
    low = high = seat.wallet[0]
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
        need = margin(abs(size) * field[bar, MARK_HIGH, symbol], seat.tiers, symbol)  # no mark in the bar needs more
        low += size * field[bar, MARK_LOW, symbol] - paid - need
        high += size * field[bar, MARK_HIGH, symbol] - paid - need
    return bool(low > 0 and high > 0)


@compiled
def live(seat: Seat, fills: Any, bar: int) -> Any:
    """Let an account that holds something live through a bar; return the fills."""
    field = seat.field
    shown = False
    for symbol in range(field.shape[2]):
        shown |= field[bar, SHOWN, symbol] != ABSENT
    if not shown:
        return fills  # the market stands still
    fills = walk(seat, fills, bar, MARK_LOW, LOW)
    fills = walk(seat, fills, bar, MARK_HIGH, HIGH)
    return fill_targets(seat, fills, bar)


@compiled
def walk(seat: Seat, fills: Any, bar: int, corner: int, extreme: int) -> Any:
    """Go from the open to a corner; return the fills."""
    field, position = seat.field, seat.position
    reached = 0.0
    while seat.counts[HOLDING] > 0:
        symbol, way = next_stop(seat, bar, extreme)
        point = liquidation_point(seat, bar, corner, reached, way)
        if point >= 0:
            return liquidate(seat, fills, bar, corner, point)
        if symbol < 0:
            return fills
        reached = way
        stop, opened = position[STOP_AT, symbol], field[bar, OPEN, symbol]
        reference = opened if touches(stop, position[HELD, symbol] < 0, opened) else stop
        fills = close(seat, fills, bar, symbol, STOP, reference)
    return fills


@compiled
def next_stop(seat: Seat, bar: int, extreme: int) -> tuple[int, float]:
    """Return the symbol whose stop is the next one on the way to a corner, and where on it; (-1, 1) where there is none."""
    field, position = seat.field, seat.position
    best = -1
    best_over, best_under = np.int64(1), np.int64(1)
    for symbol in range(field.shape[2]):
        stop, opened = position[STOP_AT, symbol], field[bar, OPEN, symbol]
        if stop == 0 or field[bar, SHOWN, symbol] != TRADED:
            continue
        rising = position[HELD, symbol] < 0
        over, under = np.int64(0), np.int64(1)
        if not touches(stop, rising, opened):
            if not touches(stop, rising, field[bar, extreme, symbol]):
                continue
            over, under = abs(opened - stop), abs(opened - field[bar, extreme, symbol])
        sooner = over * best_under - best_over * under  # two fractions, compared exactly
        if best < 0 or sooner < 0 or (sooner == 0 and position[ENTRY, symbol] < position[ENTRY, best]):
            best, best_over, best_under = symbol, over, under
    return best, best_over / best_under


@compiled
def fill_targets(seat: Seat, fills: Any, bar: int) -> Any:
    """Trade the targets that were touched, oldest entry first, at their price or the better open."""
    field, position = seat.field, seat.position
    while True:
        first = -1
        for symbol in range(field.shape[2]):
            target, rising = position[TARGET_AT, symbol], position[HELD, symbol] > 0
            if target == 0 or field[bar, SHOWN, symbol] != TRADED:
                continue
            if touches(target, rising, field[bar, HIGH if rising else LOW, symbol]) and (
                first < 0 or position[ENTRY, symbol] < position[ENTRY, first]
            ):
                first = symbol
        if first < 0:
            return fills
        opened, target = field[bar, OPEN, first], position[TARGET_AT, first]
        reference = opened if touches(target, position[HELD, first] > 0, opened) else target
        fills = close(seat, fills, bar, first, TARGET, reference)
