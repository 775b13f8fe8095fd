"""Reading the market: repeated on faults, since a read changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from arena.analysis.indicators import Indicators
from arena.analysis.indicators import indicators as compute
from arena.bootstrap import Arena
from arena.domain.market import MarketSnapshot
from tasks.step import step


@step("snapshot", pauses=(1, 2, 4))
async def snapshot(arena: Arena, as_of: datetime) -> MarketSnapshot:
    """Fetch candles, marks and funding once, for all competitors."""
    return await arena.venue.market.snapshot(arena.season.symbols, as_of)


@step("indicators")
async def indicators(taken: MarketSnapshot) -> Mapping[str, Indicators]:
    """Compute the indicators once, for all competitors."""
    return {symbol: compute(market.candles) for symbol, market in taken.symbols.items()}
