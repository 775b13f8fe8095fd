"""What is to be downloaded, as a person asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from arena.configuration import written_pairs
from arena.settings import split_pairs

USUAL_SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to download.

    Attributes:
        pairs: Symbols.
        since: First instant; `USUAL_SPAN` before the last one where None.
        until: First instant after it; the venue's now where None or later than that.
        interval: Of the candles.
        out: Folder of the market; the candles are in a folder of it.
    """

    pairs: Sequence[str]
    since: datetime | None
    until: datetime | None
    interval: str
    out: Path


def read_wanted(pairs: str, since: datetime | None, until: datetime | None, interval: str, out: Path | str) -> Wanted:
    """Return what a person has asked for; AVAILABLE_PAIRS where no pairs are named, and a time without a zone is UTC."""
    return Wanted(
        pairs=split_pairs(pairs) or written_pairs(),
        since=_in_utc(since),
        until=_in_utc(until),
        interval=interval,
        out=Path(out),
    )


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
