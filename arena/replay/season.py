"""One competitor's season: fundings, what it wants at the open of each bar, and what the bar does to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from arena.replay.bar import live, quiet
from arena.replay.contracts import UNIT, Contracts
from arena.replay.decisions import Wants, decide, wanted
from arena.replay.machine import compiled
from arena.replay.seat import COLUMNS, FILLS, HELD, HOLDING, Seat, Terms, equity
from arena.replay.tape import Bars

ROOM = 64  # fills, at first


@compiled
def season(
    bars: Bars, interval_ms: int, contracts: Contracts, terms: Terms, wants: Wants, every: int
) -> tuple[Any, Any, Any, float]:
    """Play a season; return its fills, the equity, the refusals by reason, and the fundings (USDT).

    Args:
        bars: The market.
        interval_ms: Length of a bar.
        contracts: Of its symbols.
        terms: How the competitor trades.
        wants: What it wants when each bar opens, shape (T, S); it must not know the bar.
        every: Bars between two points of the equity, which is that of the bars' opens and the end's, USDT.
    """
    length, symbols = len(bars.open_ms), bars.field.shape[2]
    counts, refused = np.zeros(3, np.int64), np.zeros(5, np.int64)
    held = np.zeros((5, symbols), np.int64)
    seat = Seat(np.array([terms.capital]), held, counts, refused, contracts.filters, contracts.tiers, bars.field, terms)
    fills = np.empty((ROOM, COLUMNS), np.int64)
    curve = np.empty((length + every - 1) // every + 1)
    funding, paid, due = 0, 0.0, 0.0
    for bar in range(length):
        funding, due = charge(seat, bars, funding, bars.open_ms[bar])
        paid += due
        if bar % every == 0:
            curve[bar // every] = equity(seat, bar)
        if wanted(held, wants, bar):
            fills = decide(seat, fills, bar, wants)
        funding, due = charge(seat, bars, funding, bars.open_ms[bar] + interval_ms - 1)
        paid += due
        if counts[HOLDING] > 0 and not quiet(seat, bar):
            fills = live(seat, fills, bar)
    funding, due = charge(seat, bars, funding, bars.open_ms[length - 1] + interval_ms)
    curve[-1] = equity(seat, length)
    return fills[: counts[FILLS]].copy(), curve, refused, paid + due


@compiled
def charge(seat: Seat, bars: Bars, next_one: int, until: int) -> tuple[int, float]:
    """Charge the fundings from number `next_one` up to an instant (ms); return the next one's number, and the USDT paid."""
    paid = 0.0
    while next_one < len(bars.funding) and bars.funding[next_one, 0] <= until:
        symbol, mark = bars.funding[next_one, 1], bars.funding[next_one, 2]
        due = seat.position[HELD, symbol] * mark * seat.filters[symbol, UNIT] * bars.funding_rate[next_one]
        seat.wallet[0] -= due
        paid += due
        next_one += 1
    return next_one, paid
