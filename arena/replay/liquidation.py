"""Where inside a bar the margin runs out, and what happens there. The rules are `arena.adapters.paper.liquidation`'s."""

from __future__ import annotations

from typing import Any

import numpy as np

from arena.replay.contracts import CAP, UNIT
from arena.replay.machine import compiled
from arena.replay.seat import COST, ENTRY, HELD, HOLDING, LIQUIDATION, Seat, margin, trade
from arena.replay.tape import MARK

_ON_TICK = 1e-6  # ticks; a crossing that lies on one must not be pushed off it by a division


@compiled
def excess(seat: Seat, bar: int, corner: int, way: float) -> float:
    """Return equity less maintenance margin where the marks have gone `way` (0 to 1) from a bar's open to a corner, USDT."""
    field, position = seat.field, seat.position
    total = seat.wallet[0]
    for symbol in range(field.shape[2]):
        held = position[HELD, symbol]
        if held != 0:
            mark = field[bar, MARK, symbol] + way * (field[bar, corner, symbol] - field[bar, MARK, symbol])
            unit = seat.filters[symbol, UNIT]
            total += (held * mark - position[COST, symbol]) * unit
            total -= margin(abs(held) * mark * unit, seat.tiers, symbol)
    return float(total)


@compiled
def next_tier(seat: Seat, bar: int, corner: int, after: float, last: float) -> float:
    """Return the next way at which a position passes from one margin tier to another, or `last`."""
    field, position = seat.field, seat.position
    end = last
    for symbol in range(field.shape[2]):
        start = field[bar, MARK, symbol]
        move = field[bar, corner, symbol] - start
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
def liquidate(seat: Seat, fills: Any, bar: int, corner: int, way: float) -> Any:
    """Close everything at the marks of a way, oldest entry first."""
    field, position = seat.field, seat.position
    while seat.counts[HOLDING] > 0:
        oldest = -1
        for symbol in range(field.shape[2]):
            if position[HELD, symbol] != 0 and (oldest < 0 or position[ENTRY, symbol] < position[ENTRY, oldest]):
                oldest = symbol
        mark = field[bar, MARK, oldest] + way * (field[bar, corner, oldest] - field[bar, MARK, oldest])
        moved = -position[HELD, oldest]
        price = int(np.ceil(mark - _ON_TICK)) if moved > 0 else max(1, int(np.floor(mark + _ON_TICK)))
        fills = trade(seat, fills, bar, oldest, LIQUIDATION, moved, price)
    return fills
