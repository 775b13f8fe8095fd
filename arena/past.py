"""A market's past as a venue: where it can begin, and an engine that stands at an instant of it."""

from __future__ import annotations

from datetime import datetime

from arena.adapters.paper.engine import PaperEngine
from arena.adapters.recorded import CandleArchive

WARM_UP_BARS = 500  # before the first instant, so that the first prompt has its candles


def first_instant(archive: CandleArchive) -> datetime:
    """Return the first instant at which prompts are full; where the candles are too few for that, the last bar's open."""
    return min(archive.start + WARM_UP_BARS * archive.interval, archive.end - archive.interval)


def engine_at(archive: CandleArchive, at: datetime) -> PaperEngine:
    """Return an engine that stands at an instant, and has lived long enough for a symbol with a gap there to have a price."""
    engine = PaperEngine(archive, archive.instruments, max(archive.start, at - WARM_UP_BARS * archive.interval))
    engine.advance(at)
    return engine
