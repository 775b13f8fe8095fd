"""What happens inside one bar to one account, compiled. The rules are `arena.adapters.paper.matching`'s, and so is their order.

A position is one entry a symbol, whole numbers that are exact: signed quantity in steps, cost in step-ticks, stop and target in ticks
(0 for none), and the number of its entry, which orders what happens at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from arena.adapters.recorded.files import Floats, Integers
from arena.replay.contracts import AMOUNT, CAP, FEE, RATE, UNIT, Contracts
from arena.replay.machine import compiled
from arena.replay.tape import ABSENT, HIGH, LOW, MARK, MARK_HIGH, MARK_LOW, OPEN, SHOWN, TRADED

BASIS = 10_000  # basis points in one
STOP, TARGET, LIQUIDATION, OPENED, CLOSED = 1, 2, 3, 4, 5  # why something traded
HELD, COST, STOP_AT, TARGET_AT, ENTRY = range(5)  # of a position
FILLS, ENTRIES, HOLDING = range(3)  # counts: fills so far, entries so far, symbols held now
COLUMNS = 6  # of a fill: bar, symbol, why, signed quantity in steps, price in ticks, cost in step-ticks that a close releases
_ON_TICK = 1e-6  # ticks; a crossing that lies on one must not be pushed off it by a division


class State(NamedTuple):
    """One account.

    Attributes:
        wallet: USDT, one entry.
        position: Shape (5, S), see above.
        count: Fills so far, entries so far, symbols held now.
    """

    wallet: Floats
    position: Integers
    count: Integers


@compiled
def worse(price: int, buys: bool, slippage: int) -> int:
    """Return what a taker gets when the market is at `price`, ticks: by the slippage (hundredths of a bp), rounded against the taker."""
    scale = BASIS * 100
    if buys:
        return -((-price * (scale + slippage)) // scale)
    return max(1, (price * (scale - slippage)) // scale)


@compiled
def margin(notional: float, tiers: Floats, symbol: int) -> float:
    """Return a position's maintenance margin, USDT."""
    tier = 0
    while notional > tiers[symbol, tier, CAP]:
        tier += 1
    return notional * tiers[symbol, tier, RATE] - tiers[symbol, tier, AMOUNT]


@compiled
def excess(state: State, contracts: Contracts, field: Integers, bar: int, corner: int, way: float) -> float:
    """Return equity less maintenance margin where the marks have gone `way` (0 to 1) from a bar's open to a corner, USDT."""
    total = state.wallet[0]
    for symbol in range(field.shape[2]):
        held = state.position[HELD, symbol]
        if held != 0:
            mark = field[bar, MARK, symbol] + way * (field[bar, corner, symbol] - field[bar, MARK, symbol])
            unit = contracts.filters[symbol, UNIT]
            total += (held * mark - state.position[COST, symbol]) * unit
            total -= margin(abs(held) * mark * unit, contracts.tiers, symbol)
    return total


@compiled
def trade(state: State, contracts: Contracts, fills: Any, bar: int, symbol: int, why: int, moved: int, price: int) -> Any:
    """Book a trade of `moved` steps (signed) at `price`; return the fills, with more room where there was none."""
    position, count, unit = state.position, state.count, contracts.filters[symbol, UNIT]
    released = np.int64(0)
    if position[HELD, symbol] == 0:
        count[ENTRIES] += 1
        count[HOLDING] += 1
        position[ENTRY, symbol] = count[ENTRIES]
        position[COST, symbol] = moved * price
    else:
        count[HOLDING] -= 1
        released = position[COST, symbol]
        state.wallet[0] += (-moved * price - released) * unit
        position[COST : TARGET_AT + 1, symbol] = 0
    position[HELD, symbol] += moved
    state.wallet[0] -= abs(moved) * price * unit * contracts.filters[symbol, FEE]
    if state.wallet[0] < 0 and count[HOLDING] == 0:
        state.wallet[0] = 0.0  # the insurance fund pays
    row = count[FILLS]
    if row == len(fills):
        grown = np.empty((2 * row, COLUMNS), np.int64)
        grown[:row] = fills
        fills = grown
    fills[row, 0] = bar
    fills[row, 1] = symbol
    fills[row, 2] = why
    fills[row, 3] = moved
    fills[row, 4] = price
    fills[row, 5] = released
    count[FILLS] = row + 1
    return fills


@compiled
def touches(trigger: int, rising: bool, price: int) -> bool:
    """Return whether a conditional order triggers at a price."""
    return price >= trigger if rising else price <= trigger


@compiled
def close(state: State, contracts: Contracts, fills: Any, bar: int, symbol: int, why: int, reference: int, slippage: int) -> Any:
    """Close a symbol's position as a taker where the market is at `reference`."""
    moved = -state.position[HELD, symbol]
    return trade(state, contracts, fills, bar, symbol, why, moved, worse(reference, moved > 0, slippage))


@compiled
def next_stop(position: Integers, field: Integers, bar: int, extreme: int) -> tuple[int, float]:
    """Return the symbol whose stop is the next one on the way to a corner, and where on it; (-1, 1) where there is none."""
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
def liquidation_point(
    state: State, contracts: Contracts, field: Integers, bar: int, corner: int, first: float, last: float
) -> float:
    """Return the first way in [first, last] at which equity is no more than maintenance margin; -1 where there is none."""
    before = excess(state, contracts, field, bar, corner, first)
    if before <= 0:
        return first
    if excess(state, contracts, field, bar, corner, last) > 0:
        return -1.0
    at = first
    while True:
        end = next_tier(state.position, contracts, field, bar, corner, at, last)
        after = excess(state, contracts, field, bar, corner, end)
        if after <= 0:
            return at + (end - at) * before / (before - after)
        if end >= last:
            return last
        at, before = end, after


@compiled
def next_tier(
    position: Integers, contracts: Contracts, field: Integers, bar: int, corner: int, after: float, last: float
) -> float:
    """Return the next way at which a position passes from one margin tier to another, or `last`."""
    end = last
    for symbol in range(field.shape[2]):
        start = field[bar, MARK, symbol]
        move = field[bar, corner, symbol] - start
        if position[HELD, symbol] == 0 or move == 0:
            continue
        worth = abs(position[HELD, symbol]) * contracts.filters[symbol, UNIT]
        for tier in range(contracts.tiers.shape[1]):
            crossing = (contracts.tiers[symbol, tier, CAP] / worth - start) / move
            if after < crossing < end:
                end = crossing
    return end


@compiled
def liquidate(state: State, contracts: Contracts, field: Integers, fills: Any, bar: int, corner: int, way: float) -> Any:
    """Close everything at the marks of a way, oldest entry first."""
    position = state.position
    while state.count[HOLDING] > 0:
        oldest = -1
        for symbol in range(field.shape[2]):
            if position[HELD, symbol] != 0 and (oldest < 0 or position[ENTRY, symbol] < position[ENTRY, oldest]):
                oldest = symbol
        mark = field[bar, MARK, oldest] + way * (field[bar, corner, oldest] - field[bar, MARK, oldest])
        moved = -position[HELD, oldest]
        price = np.int64(np.ceil(mark - _ON_TICK)) if moved > 0 else max(np.int64(1), np.int64(np.floor(mark + _ON_TICK)))
        fills = trade(state, contracts, fills, bar, oldest, LIQUIDATION, moved, price)
    return fills


@compiled
def walk(
    state: State, contracts: Contracts, field: Integers, fills: Any, bar: int, corner: int, extreme: int, slippage: int
) -> Any:
    """Go from the open to a corner; return the fills."""
    reached = 0.0
    while state.count[HOLDING] > 0:
        symbol, way = next_stop(state.position, field, bar, extreme)
        point = liquidation_point(state, contracts, field, bar, corner, reached, way)
        if point >= 0:
            return liquidate(state, contracts, field, fills, bar, corner, point)
        if symbol < 0:
            return fills
        reached = way
        stop, opened = state.position[STOP_AT, symbol], field[bar, OPEN, symbol]
        reference = opened if touches(stop, state.position[HELD, symbol] < 0, opened) else stop
        fills = close(state, contracts, fills, bar, symbol, STOP, reference, slippage)
    return fills


@compiled
def fill_targets(state: State, contracts: Contracts, field: Integers, fills: Any, bar: int, slippage: int) -> Any:
    """Trade the targets that were touched, oldest entry first, at their price or the better open."""
    position = state.position
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
        fills = close(state, contracts, fills, bar, first, TARGET, reference, slippage)


@compiled
def live(state: State, contracts: Contracts, field: Integers, fills: Any, bar: int, slippage: int) -> Any:
    """Let an account that holds something live through a bar; return the fills."""
    shown = False
    for symbol in range(field.shape[2]):
        shown |= field[bar, SHOWN, symbol] != ABSENT
    if not shown:
        return fills  # the market stands still
    fills = walk(state, contracts, field, fills, bar, MARK_LOW, LOW, slippage)
    fills = walk(state, contracts, field, fills, bar, MARK_HIGH, HIGH, slippage)
    return fill_targets(state, contracts, field, fills, bar, slippage)
