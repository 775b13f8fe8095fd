"""The real market of an instant, as a cycle would have seen it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.market import PaperMarket
from arena.adapters.recorded import CandleArchive
from arena.domain.instrument import Instrument
from arena.domain.market import MarketSnapshot


def real_snapshot(candles: Path, at: datetime) -> tuple[MarketSnapshot, Mapping[str, Instrument]]:
    """Return snapshot and contracts of all symbols of a folder."""
    archive = CandleArchive(candles)
    engine = PaperEngine(archive, archive.instruments, at - 4 * archive.interval)
    engine.advance(at)
    market = PaperMarket(engine, label=archive.label, interval=archive.interval)
    return asyncio.run(market.snapshot(archive.symbols, at)), archive.instruments
