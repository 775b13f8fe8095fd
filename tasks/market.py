"""Reading the market: repeated on faults, since a read changes nothing."""

from __future__ import annotations

from datetime import datetime

from arena.application.study import Study, study
from arena.bootstrap import Arena
from arena.domain.market import MarketSnapshot
from tasks.step import step


@step("snapshot", pauses=(1, 2, 4))
async def snapshot(arena: Arena, as_of: datetime) -> MarketSnapshot:
    """Fetch candles, marks and funding once, for all competitors."""
    return await arena.venue.market.snapshot(arena.season.symbols, as_of)


@step("indicators")
async def indicators(arena: Arena, taken: MarketSnapshot) -> Study:
    """Compute once, for all competitors, what the playbook shows."""
    return study(taken, arena.playbook, arena.venue.instruments)
