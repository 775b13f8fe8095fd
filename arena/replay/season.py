"""One competitor's season: fundings, what it wants at the open of each bar, and what the bar does to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arena.adapters.recorded.files import Floats, Integers
from arena.replay.bar import live
from arena.replay.contracts import UNIT, Contracts
from arena.replay.corridor import draw, glide, within
from arena.replay.decisions import Wants, decide, wanted
from arena.replay.machine import compiled
from arena.replay.seat import BALANCE, BAR, COLUMNS, FILLS, FUNDING, HELD, HOLDING, PAID, Seat, Terms, empty_seat, equity
from arena.replay.tape import Bars

MOST = 4  # fills of a symbol in a bar: closed, opened, closed at once for want of a stop, closed inside
ROOM = 4096  # fills, at first


class Season(NamedTuple):
    """What became of a competitor.

    Attributes:
        fills: Shape (F, 6), see `seat.COLUMNS`.
        equity: USDT, at every so many bars' opens and at the end.
        refused: Openings that the venue refused, by `seat.NO_MARKET` ...
        funding: What was paid, USDT.
    """

    fills: Integers
    equity: Floats
    refused: Integers
    funding: float


def season(bars: Bars, interval_ms: int, contracts: Contracts, terms: Terms, wants: Wants, every: int) -> Season:
    """Play a season.

    Args:
        bars: The market.
        interval_ms: Length of a bar.
        contracts: Of its symbols.
        terms: How the competitor trades.
        wants: What it wants when each bar opens, shape (T, S); it must not know the bar.
        every: Bars between two points of the equity.
    """
    seat = empty_seat(contracts, bars, terms)
    fills = np.empty((max(ROOM, MOST * bars.field.shape[1]), COLUMNS), np.int64)
    curve = np.empty((len(bars.open_ms) + every - 1) // every + 1)
    while not played(seat, bars, interval_ms, wants, fills, curve, every):
        fills = np.concatenate([fills, np.empty_like(fills)])
    return Season(fills[: seat.counts[FILLS]].copy(), curve, seat.refused, float(seat.wallet[PAID]))


@compiled
def played(seat: Seat, bars: Bars, interval_ms: int, wants: Wants, fills: Integers, curve: Floats, every: int) -> bool:
    """Play on from the upcoming bar; return whether that was all, and not an end of the room for fills."""
    length, symbols, began = len(bars.open_ms), bars.field.shape[1], bars.open_ms[0]
    while seat.counts[BAR] < length:
        bar = seat.counts[BAR]
        if seat.counts[FILLS] + MOST * symbols > len(fills):
            return False
        charge(seat, bars, began + bar * interval_ms)
        if bar % every == 0:
            curve[bar // every] = equity(seat, bar)
        if wanted(seat.position, wants, bar):
            decide(seat, fills, bar, wants)
        charge(seat, bars, began + (bar + 1) * interval_ms - 1)
        until = length
        if seat.counts[HOLDING] > 0:
            draw(seat, bar)
            if not within(seat, bar):
                live(seat, fills, bar)
                draw(seat, bar + 1)
            if seat.counts[FUNDING] < len(bars.funding):
                until = min(length, (bars.funding[seat.counts[FUNDING], 0] - began) // interval_ms)
        seat.counts[BAR] = glide(seat, wants, curve, every, bar + 1, until)
    charge(seat, bars, began + length * interval_ms)
    curve[-1] = equity(seat, length)
    return True


@compiled
def charge(seat: Seat, bars: Bars, until: int) -> None:
    """Charge the fundings from the upcoming one up to an instant (ms)."""
    while seat.counts[FUNDING] < len(bars.funding) and bars.funding[seat.counts[FUNDING], 0] <= until:
        number = seat.counts[FUNDING]
        symbol, mark = bars.funding[number, 1], bars.funding[number, 2]
        due = seat.position[HELD, symbol] * mark * seat.filters[symbol, UNIT] * bars.funding_rate[number]
        seat.wallet[BALANCE] -= due
        seat.wallet[PAID] += due
        seat.counts[FUNDING] += 1
