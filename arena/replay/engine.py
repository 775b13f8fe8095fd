"""All competitors of a season, as many at a time as the machine has cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from arena.adapters.recorded.files import Floats, Integers
from arena.replay.contracts import contracts_of
from arena.replay.decisions import Wants
from arena.replay.season import season
from arena.replay.seat import Terms
from arena.replay.tape import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of a competitor.

    Attributes:
        fills: A row each: bar, symbol, why (`seat.STOP` ...), signed steps, price in ticks, released cost in step-ticks.
        equity: USDT, at every so many bars' opens and at the end.
        refused: Openings that the venue refused, by `seat.NO_MARKET` ...
        funding: What was paid, USDT.
    """

    fills: Integers
    equity: Floats
    refused: Integers
    funding: float


def play(tape: Tape, terms: Sequence[Terms], wants: Sequence[Wants], *, every: int = 1) -> list[Played]:
    """Play a season of competitors that share nothing but the market.

    Args:
        tape: The market.
        terms: Of each competitor.
        wants: Of each competitor, shape (T, S): `decisions.SHORT`, `FLAT`, `LONG` or `HOLD` when each bar opens.
        every: Bars between two points of the equity.
    """
    contracts = contracts_of(tape.symbols, tape.instruments)

    def one(of: Terms, wanted: Wants) -> Played:
        fills, curve, refused, paid = season(tape.bars, tape.interval_ms, contracts, of, wanted, every)
        return Played(fills=fills, equity=curve, refused=refused, funding=paid)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(one, terms, wants))
