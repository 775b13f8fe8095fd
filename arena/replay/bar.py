"""What happens inside one bar to one account. The rules are `arena.adapters.paper.matching`'s, and so is their order."""

from __future__ import annotations

from arena.adapters.recorded.files import Integers
from arena.replay.liquidation import liquidate, liquidation_point
from arena.replay.machine import compiled, integer
from arena.replay.seat import (
    ENTRY,
    HELD,
    HOLDING,
    STOP,
    STOP_AT,
    TARGET,
    TARGET_AT,
    Seat,
    close,
    touches,
)
from arena.replay.tape import ABSENT, HIGH, LOW, MARK_HIGH, MARK_LOW, OPEN, SHOWN, TRADED


@compiled
def live(seat: Seat, fills: Integers, bar: int) -> None:
    """Let an account that holds something live through a bar."""
    field = seat.field
    shown = False
    for symbol in range(field.shape[1]):
        shown |= field[bar, symbol, SHOWN] != ABSENT
    if not shown:
        return  # the market stands still
    walk(seat, fills, bar, MARK_LOW, LOW)
    walk(seat, fills, bar, MARK_HIGH, HIGH)
    fill_targets(seat, fills, bar)


@compiled
def walk(seat: Seat, fills: Integers, bar: int, corner: int, extreme: int) -> None:
    """Go from the open to a corner."""
    field, position = seat.field, seat.position
    reached = 0.0
    while seat.counts[HOLDING] > 0:
        symbol, way = next_stop(seat, bar, extreme)
        point = liquidation_point(seat, bar, corner, reached, way)
        if point >= 0:
            liquidate(seat, fills, bar, corner, point)
            return
        if symbol < 0:
            return
        reached = way
        stop, opened = position[STOP_AT, symbol], integer(field[bar, symbol, OPEN])
        reference = opened if touches(stop, position[HELD, symbol] < 0, opened) else stop
        close(seat, fills, bar, symbol, STOP, reference)


@compiled
def next_stop(seat: Seat, bar: int, extreme: int) -> tuple[int, float]:
    """Return the symbol whose stop is the next one on the way to a corner, and where on it; (-1, 1) where there is none."""
    field, position = seat.field, seat.position
    best = integer(-1)
    best_over, best_under = integer(1), integer(1)
    for symbol in range(field.shape[1]):
        stop, opened = position[STOP_AT, symbol], integer(field[bar, symbol, OPEN])
        if stop == 0 or field[bar, symbol, SHOWN] != TRADED:
            continue
        rising = position[HELD, symbol] < 0
        over, under = integer(0), integer(1)
        if not touches(stop, rising, opened):
            if not touches(stop, rising, field[bar, symbol, extreme]):
                continue
            over, under = abs(opened - stop), abs(opened - integer(field[bar, symbol, extreme]))
        sooner = over * best_under - best_over * under  # two fractions, compared exactly
        if best < 0 or sooner < 0 or (sooner == 0 and position[ENTRY, symbol] < position[ENTRY, best]):
            best, best_over, best_under = symbol, over, under
    return best, best_over / best_under


@compiled
def fill_targets(seat: Seat, fills: Integers, bar: int) -> None:
    """Trade the targets that were touched, oldest entry first, at their price or the better open."""
    field, position = seat.field, seat.position
    while True:
        first = integer(-1)
        for symbol in range(field.shape[1]):
            target, rising = position[TARGET_AT, symbol], position[HELD, symbol] > 0
            if target == 0 or field[bar, symbol, SHOWN] != TRADED:
                continue
            if touches(target, rising, field[bar, symbol, HIGH if rising else LOW]) and (
                first < 0 or position[ENTRY, symbol] < position[ENTRY, first]
            ):
                first = symbol
        if first < 0:
            return
        opened, target = integer(field[bar, first, OPEN]), position[TARGET_AT, first]
        reference = opened if touches(target, position[HELD, first] > 0, opened) else target
        close(seat, fills, bar, first, TARGET, reference)
