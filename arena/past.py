"""A market's past as a venue: where it can begin, an engine that stands at an instant of it, and where its candles are kept."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from arena.adapters.paper.engine import PaperEngine
from arena.adapters.recorded import CandleArchive

WARM_UP_BARS = 500  # before the first instant, so that the first prompt has its candles
_NOTE = "candles.json"  # in a season's folder


def first_instant(archive: CandleArchive) -> datetime:
    """Return the first instant at which prompts are full; where the candles are too few for that, the last bar's open."""
    return min(archive.start + WARM_UP_BARS * archive.interval, archive.end - archive.interval)


def engine_at(archive: CandleArchive, at: datetime) -> PaperEngine:
    """Return an engine that stands at an instant, and has lived long enough for a symbol with a gap there to have a price."""
    engine = PaperEngine(archive, archive.instruments, max(archive.start, at - WARM_UP_BARS * archive.interval))
    engine.advance(at)
    return engine


def keep_folder(directory: Path, archive: CandleArchive) -> None:
    """Note in a season's folder which candles it is played over."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _NOTE).write_text(json.dumps({"folder": str(archive.folder.resolve())}) + "\n", encoding="utf-8")


def kept_folder(directory: Path) -> Path | None:
    """Return the folder of candles that a season was played over; None where none is noted."""
    try:
        return Path(json.loads((directory / _NOTE).read_text(encoding="utf-8"))["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
