"""Where inside a bar the margin runs out, and what happens there. The rules are `arena.adapters.paper.liquidation`'s."""

from __future__ import annotations

import numpy as np

from arena.adapters.recorded.files import Integers
from arena.replay.contracts import CAP, UNIT
from arena.replay.machine import compiled, integer
from arena.replay.seat import BALANCE, COST, ENTRY, HELD, HOLDING, LIQUIDATION, Seat, margin, trade
from arena.replay.tape import MARK

_ON_TICK = 1e-6  # ticks; a crossing that lies on one must not be pushed off it by a division


@compiled
def excess(seat: Seat, bar: int, corner: int, way: float) -> float:
    """Return equity less maintenance margin where the marks have gone `way` (0 to 1) from a bar's open to a corner, USDT."""
    field, position = seat.field, seat.position
    total = seat.wallet[BALANCE]
    for symbol in range(field.shape[1]):
        held = position[HELD, symbol]
        if held != 0:
            mark = field[bar, symbol, MARK] + way * (field[bar, symbol, corner] - field[bar, symbol, MARK])
            unit = seat.filters[symbol, UNIT]
            total += (held * mark - position[COST, symbol]) * unit
            total -= margin(abs(held) * mark * unit, seat.tiers, symbol)
    return float(total)


@compiled
def next_tier(seat: Seat, bar: int, corner: int, after: float, last: float) -> float:
    """Return the next way at which a position passes from one margin tier to another, or `last`."""
    field, position = seat.field, seat.position
    end = last
    for symbol in range(field.shape[1]):
        start = field[bar, symbol, MARK]
        move = field[bar, symbol, corner] - start
        if position[HELD, symbol] == 0 or move == 0:
            continue
        worth = abs(position[HELD, symbol]) * seat.filters[symbol, UNIT]
        for tier in range(seat.tiers.shape[1]):
            crossing = (seat.tiers[symbol, tier, CAP] / worth - start) / move
            if after < crossing < end:
                end = crossing
    return end


@compiled
def liquidation_point(seat: Seat, bar: int, corner: int, first: float, last: float) -> float:
    """Return the first way in [first, last] at which equity is no more than maintenance margin; -1 where there is none."""
    before = excess(seat, bar, corner, first)
    if before <= 0:
        return first
    if excess(seat, bar, corner, last) > 0:
        return -1.0
    at = first
    while True:
        end = next_tier(seat, bar, corner, at, last)
        after = excess(seat, bar, corner, end)
        if after <= 0:
            return at + (end - at) * before / (before - after)
        if end >= last:
            return last
        at, before = end, after


@compiled
def liquidate(seat: Seat, fills: Integers, bar: int, corner: int, way: float) -> None:
    """Close everything at the marks of a way, oldest entry first."""
    field, position = seat.field, seat.position
    while seat.counts[HOLDING] > 0:
        oldest = integer(-1)
        for symbol in range(field.shape[1]):
            if position[HELD, symbol] != 0 and (oldest < 0 or position[ENTRY, symbol] < position[ENTRY, oldest]):
                oldest = symbol
        mark = field[bar, oldest, MARK] + way * (field[bar, oldest, corner] - field[bar, oldest, MARK])
        moved = -position[HELD, oldest]
        price = int(np.ceil(mark - _ON_TICK)) if moved > 0 else max(1, int(np.floor(mark + _ON_TICK)))
        trade(seat, fills, bar, oldest, LIQUIDATION, moved, price)
