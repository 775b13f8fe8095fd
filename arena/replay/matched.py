"""Traders without a plan who make the very trades of a competitor, each at a random instant: what luck alone makes of them.

Symbols, sides, holding times and their number are the competitor's, trade by trade, and so are leverage, slippage and the mean
worth of an opening; when each begins is drawn. They have no stops, which would change how long they hold; fundings, fees and
liquidation are as for everybody. How many of them a competitor leaves behind is its percentile.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from arena.adapters.recorded.files import Floats, Integers
from arena.replay.contracts import UNIT, Contracts, contracts_of
from arena.replay.decisions import FLAT, HOLD, Wants
from arena.replay.machine import compiled
from arena.replay.season import Season, season
from arena.replay.seat import OPENED, Terms
from arena.replay.tape import Tape
from arena.replay.threads import in_threads

_BAR, _SYMBOL, _WHY, _STEPS, _PRICE = range(5)  # of a fill


class Trades(NamedTuple):
    """Trades from entry to exit, one entry each.

    Attributes:
        symbol: Column of the tape.
        side: 1 long, -1 short.
        bars: How long each was held, ≥ 1; one that ended in the bar in which it began counts as 1.
    """

    symbol: Integers
    side: Integers
    bars: Integers


def trades_of(fills: Integers, length: int) -> Trades:
    """Return the trades that a season's fills make, in the order of their entries; what is held at the end is held until then.

    Args:
        fills: Of `season.Season`.
        length: Of the season, bars.
    """
    order = np.argsort(fills[:, _SYMBOL], kind="stable")  # of a symbol, entry and exit take turns
    fills = fills[order]
    entries = np.flatnonzero(fills[:, _WHY] == OPENED)
    exits = np.minimum(entries + 1, len(fills) - 1)
    closed = (exits > entries) & (fills[exits, _SYMBOL] == fills[entries, _SYMBOL])
    ends = np.where(closed, fills[exits, _BAR], length)
    bars = np.maximum(ends - fills[entries, _BAR], 1)
    by_time = np.argsort(order[entries])
    return Trades(*(each[by_time] for each in (fills[entries, _SYMBOL], np.sign(fills[entries, _STEPS]), bars)))


def matching(terms: Terms, fills: Integers, contracts: Contracts) -> Terms:
    """Return the terms of those who are matched with a competitor of these terms: each opening is worth its mean one, USDT."""
    opened = fills[fills[:, _WHY] == OPENED]
    worth = np.abs(opened[:, _STEPS]) * opened[:, _PRICE] * contracts.filters[opened[:, _SYMBOL], UNIT]
    return terms._replace(value=float(worth.mean()) if len(worth) else 0.0, share=0.0, stop=0, target=0)


def instants(trades: Trades, length: int, dice: np.random.Generator) -> tuple[Trades, Integers]:
    """Return the trades in a random order and the bars at whose opens they begin; every arrangement is as likely.

    Trades of a symbol do not overlap, and a bar lies between two of them. Where a symbol's trades leave no room for that, the
    longest ones are a bar shorter.

    Args:
        trades: To place.
        length: Of the season, bars.
        dice: Draws.

    Raises:
        ValueError: There are more trades of a symbol than a season of that length has room for.
    """
    order, begins, holds = ([np.empty(0, np.int64)] for _ in range(3))
    for symbol in np.unique(trades.symbol):
        rows = dice.permutation(np.flatnonzero(trades.symbol == symbol))
        bars = _fitting(trades.bars[rows], length)
        free = length - int(bars.sum()) - len(rows) + 1
        pauses = np.sort(dice.choice(free + len(rows), len(rows), replace=False)) - np.arange(len(rows))
        order.append(rows)
        holds.append(bars)
        begins.append(pauses + np.cumsum(bars + 1) - bars - 1)
    chosen = np.concatenate(order)
    return Trades(trades.symbol[chosen], trades.side[chosen], np.concatenate(holds)), np.concatenate(begins)


def random_outcomes(tape: Tape, terms: Terms, trades: Trades, *, traders: int, seed: int) -> Floats:
    """Return what traders without a plan have at the end, USDT, one entry each; the same seed draws the same ones.

    Of all of them only so many are in memory at a time as the machine has cores.

    Args:
        tape: The market.
        terms: Of each of them, such as `matching` gives.
        trades: That each of them makes. An opening that the venue refuses is lost.
        traders: How many, ≥ 1.
        seed: ≥ 0.
    """
    contracts = contracts_of(tape.symbols, tape.instruments)

    def some(numbers: Integers) -> list[float]:
        wants = np.empty((len(tape), len(tape.symbols)), np.int8)
        found = []
        for number in numbers.tolist():
            _draw(wants, trades, seed, number)
            found.append(float(season(tape.bars, tape.interval_ms, contracts, terms, wants, len(tape)).equity[-1]))
        return found

    shares = np.array_split(np.arange(traders), min(traders, os.cpu_count() or 1))
    return np.concatenate(in_threads(some, shares))


def random_season(tape: Tape, terms: Terms, trades: Trades, *, number: int, seed: int) -> Season:
    """Return the season of one of the traders of `random_outcomes`, with its equity at every bar's open and at the end."""
    wants = np.empty((len(tape), len(tape.symbols)), np.int8)
    _draw(wants, trades, seed, number)
    return season(tape.bars, tape.interval_ms, contracts_of(tape.symbols, tape.instruments), terms, wants, 1)


def _draw(wants: Wants, trades: Trades, seed: int, number: int) -> None:
    """Write what one of the traders wants."""
    placed, begins = instants(trades, len(wants), np.random.default_rng([seed, number]))
    lay(wants, *placed, begins)


def percentile(outcome: float, outcomes: Floats) -> float:
    """Return how many of the outcomes lie below one, percent; those that equal it count half."""
    below, equal = np.count_nonzero(outcomes < outcome), np.count_nonzero(outcomes == outcome)
    return 100 * (below + equal / 2) / len(outcomes)


@compiled
def lay(wants: Wants, symbol: Integers, side: Integers, bars: Integers, begins: Integers) -> None:
    """Write what is wanted bar by bar over whatever was wanted before: out of a trade nothing is to be held."""
    wants[:] = FLAT
    for trade in range(len(begins)):
        column, begin = symbol[trade], begins[trade]
        wants[begin, column] = side[trade]
        for bar in range(begin + 1, min(begin + bars[trade], len(wants))):
            wants[bar, column] = HOLD


def _fitting(bars: Integers, length: int) -> Integers:
    """Return holding times that leave a bar between two."""
    missing = int(bars.sum()) + len(bars) - 1 - length
    if missing <= 0:
        return bars
    longest = np.argsort(-bars, kind="stable")[:missing]
    if missing > len(bars) or bars[longest].min() < 2:
        raise ValueError(f"{len(bars)} trades of a symbol need more than {length} bars, a bar between two of them")
    shorter = bars.copy()
    shorter[longest] -= 1
    return shorter
