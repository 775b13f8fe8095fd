"""All competitors of a season, as many at a time as the machine has cores."""

from __future__ import annotations

from collections.abc import Sequence

from arena.replay.contracts import contracts_of
from arena.replay.decisions import Wants
from arena.replay.season import Season, season
from arena.replay.seat import Terms
from arena.replay.tape import Tape
from arena.replay.threads import in_threads


def play(tape: Tape, terms: Sequence[Terms], wants: Sequence[Wants], *, every: int = 1) -> list[Season]:
    """Play a season of competitors that share nothing but the market.

    Args:
        tape: The market.
        terms: Of each competitor.
        wants: Of each competitor, shape (T, S): `decisions.SHORT`, `FLAT`, `LONG` or `HOLD` when each bar opens.
        every: Bars between two points of the equity.
    """
    contracts = contracts_of(tape.symbols, tape.instruments)

    def one(competitor: tuple[Terms, Wants]) -> Season:
        return season(tape.bars, tape.interval_ms, contracts, *competitor, every)

    return in_threads(one, list(zip(terms, wants, strict=True)))
