"""One account at one market, for compiled code: its arrays, and how it trades.

A position is one entry a symbol, whole numbers that are exact: signed quantity in steps, cost in step-ticks, stop and target in
ticks (0 for none), and the number of its entry, which orders what happens at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arena.adapters.recorded.files import Floats, Integers
from arena.replay.contracts import AMOUNT, CAP, FEE, RATE, UNIT, Contracts
from arena.replay.machine import compiled, integer, numbers
from arena.replay.tape import MARK, Bars, Ticks

BASIS = 10_000  # basis points in one
HELD, COST, STOP_AT, TARGET_AT, ENTRY = range(5)  # of a position
WHOSE, LOWEST, HIGHEST, MARK_LOWEST, MARK_HIGHEST = range(5)  # of a corridor
FILLS, ENTRIES, HOLDING, BAR, FUNDING = range(
    5
)  # counts: fills so far, entries so far, symbols held now; which bar and funding come next
BALANCE, PAID = range(2)  # of a wallet
STOP, TARGET, LIQUIDATION, OPENED, CLOSED = numbers(5)  # why something traded
NO_MARKET, QUANTITY, NOTIONAL, LEVERAGE, MARGIN = range(5)  # why an opening is refused
COLUMNS = 6  # of a fill: bar, symbol, why, signed quantity in steps, price in ticks, cost in step-ticks that a close releases


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


class Seat(NamedTuple):
    """What a competitor has, and where.

    Attributes:
        wallet: USDT: what there is, and what was paid as funding so far.
        position: Shape (5, S), see above.
        counts: See above.
        refused: Openings, by reason.
        filters, tiers: `Contracts`.
        field: `Bars`.
        corridor: Shape (S, 5): of each symbol that is held its column, and the lowest and highest ticks of the last price and of
            the mark at which certainly nothing happens.
    """

    wallet: Floats
    position: Integers
    counts: Integers
    refused: Integers
    filters: Floats
    tiers: Floats
    field: Ticks
    corridor: Integers
    terms: Terms


def empty_seat(contracts: Contracts, bars: Bars, terms: Terms) -> Seat:
    """Return an account that has nothing but its capital."""
    symbols = bars.field.shape[1]
    return Seat(
        wallet=np.array([terms.capital, 0.0]),
        position=np.zeros((5, symbols), np.int64),
        counts=np.zeros(5, np.int64),
        refused=np.zeros(5, np.int64),
        filters=contracts.filters,
        tiers=contracts.tiers,
        field=bars.field,
        corridor=np.zeros((symbols, 5), np.int64),
        terms=terms,
    )


@compiled
def worse(price: int, buys: bool, slippage: int) -> int:
    """Return what a taker gets when the market is at `price`, ticks: worse by the slippage, rounded against the taker."""
    scale = BASIS * 100
    if buys:
        return -((-price * (scale + slippage)) // scale)
    return max(1, (price * (scale - slippage)) // scale)


@compiled
def touches(trigger: int, rising: bool, price: int) -> bool:
    """Return whether a conditional order triggers at a price."""
    return price >= trigger if rising else price <= trigger


@compiled
def tier_of(notional: float, tiers: Floats, symbol: int) -> int:
    """Return the number of the margin tier that holds a notional, USDT."""
    tier = 0
    while notional > tiers[symbol, tier, CAP]:
        tier += 1
    return tier


@compiled
def margin(notional: float, tiers: Floats, symbol: int) -> float:
    """Return a position's maintenance margin, USDT."""
    tier = tier_of(notional, tiers, symbol)
    return float(notional * tiers[symbol, tier, RATE] - tiers[symbol, tier, AMOUNT])


@compiled
def equity(seat: Seat, bar: int) -> float:
    """Return wallet and unrealised profit at a bar's open, USDT."""
    field, position = seat.field, seat.position
    total = seat.wallet[BALANCE]
    for symbol in range(field.shape[1]):
        held = position[HELD, symbol]
        if held != 0:
            total += (held * field[bar, symbol, MARK] - position[COST, symbol]) * seat.filters[symbol, UNIT]
    return float(total)


@compiled
def trade(seat: Seat, fills: Integers, bar: int, symbol: int, why: int, moved: int, price: int) -> None:
    """Book a trade of `moved` steps (signed) at `price`; there must be room for it among the fills."""
    position, counts, unit = seat.position, seat.counts, seat.filters[symbol, UNIT]
    released = integer(0)
    if position[HELD, symbol] == 0:
        counts[ENTRIES] += 1
        counts[HOLDING] += 1
        position[ENTRY, symbol] = counts[ENTRIES]
        position[COST, symbol] = moved * price
    else:
        counts[HOLDING] -= 1
        released = position[COST, symbol]
        seat.wallet[BALANCE] += (-moved * price - released) * unit
        position[COST : TARGET_AT + 1, symbol] = 0
    position[HELD, symbol] += moved
    seat.wallet[BALANCE] -= abs(moved) * price * unit * seat.filters[symbol, FEE]
    if seat.wallet[BALANCE] < 0 and counts[HOLDING] == 0:
        seat.wallet[BALANCE] = 0.0  # the insurance fund pays
    row = counts[FILLS]
    fills[row, 0] = bar
    fills[row, 1] = symbol
    fills[row, 2] = why
    fills[row, 3] = moved
    fills[row, 4] = price
    fills[row, 5] = released
    counts[FILLS] = row + 1


@compiled
def close(seat: Seat, fills: Integers, bar: int, symbol: int, why: int, reference: int) -> None:
    """Close a symbol's position as a taker where the market is at `reference`."""
    moved = -seat.position[HELD, symbol]
    trade(seat, fills, bar, symbol, why, moved, worse(reference, moved > 0, seat.terms.slippage))
