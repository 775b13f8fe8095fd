"""The venue's candles for who looks on: asked once a bar and symbol, one request at a time, and nobody waits long for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from arena.domain.market import Candle
from arena.errors import ArenaError

log = logging.getLogger("arena.dashboard")

PATIENCE_SECONDS = 3.0  # of an answer; the reading goes on behind it
LONGEST_SECONDS = 20.0  # of a reading
AGAIN = timedelta(minutes=1)  # after a reading that failed
OFTEN = timedelta(seconds=5)  # between two readings of a symbol, also where the season's clock runs fast


class CandleSource(Protocol):
    """Public market data, in the composing side's hands."""

    interval: timedelta

    async def read(self, symbol: str, until: datetime | None) -> tuple[str, Sequence[Candle]]:
        """Return where they come from, in words, and the closed candles, oldest first.

        Args:
            until: None of them ends later; None for the venue's present.

        Raises:
            ArenaError: They could not be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A symbol's candles as of the last reading.

    Attributes:
        candles: Oldest first; None where none could be read so far.
        reason: Why there are none, or none newer; empty where all is well.
        read_at: When these were read, by this machine's clock.
        asked_at: When it was last tried, by this machine's clock.
        until: None of them may end later; None while the season goes on.
    """

    candles: Sequence[Candle] | None
    reason: str
    read_at: datetime | None
    asked_at: datetime
    until: datetime | None = None


class Shelf:
    """What has been read of every symbol.

    Args:
        source: None where there is no venue to ask.
    """

    def __init__(self, source: CandleSource | None) -> None:
        self._source = source
        self._kept: dict[str, Shown] = {}
        self._readings: dict[str, asyncio.Task[Shown]] = {}
        self._one = asyncio.Lock()

    async def of(self, symbol: str, market: str, booked_at: str | None, ended: bool) -> Shown:
        """Return a symbol's candles, read anew where a bar has gone by.

        Args:
            market: The season's own, in words; another market's candles are none.
            booked_at: When the season was last booked, by the venue's clock, ISO 8601.
            ended: Nothing after that is of the season.
        """
        if self._source is None:
            return Shown(candles=None, reason="this dashboard was started without a venue", read_at=None, asked_at=_now())
        booked = datetime.fromisoformat(booked_at) if booked_at else None
        until = booked if ended else None
        kept = self._kept.get(symbol)
        if kept is not None and not self._old(kept, booked, until):
            return kept
        if symbol not in self._readings:
            reading = self._read(self._source, symbol, market, until)
            self._readings[symbol] = asyncio.create_task(reading)
            self._readings[symbol].add_done_callback(lambda _: self._readings.pop(symbol))
        try:
            return await asyncio.wait_for(asyncio.shield(self._readings[symbol]), PATIENCE_SECONDS)
        except TimeoutError:
            known = kept or Shown(candles=None, reason="", read_at=None, asked_at=_now())
            return replace(known, reason="the venue has not answered yet")

    def _old(self, kept: Shown, booked: datetime | None, until: datetime | None) -> bool:
        assert self._source is not None
        age = _now() - kept.asked_at
        if kept.until != until:
            return True
        if kept.reason:
            return age >= AGAIN
        if until is not None:
            return False  # nothing comes after the end
        if not kept.candles or booked is None:
            return age >= self._source.interval
        return age >= self._source.interval or (age >= OFTEN and booked >= kept.candles[-1].close_time + self._source.interval)

    async def _read(self, source: CandleSource, symbol: str, market: str, until: datetime | None) -> Shown:
        kept = self._kept.get(symbol)
        kept = kept if kept is not None and kept.until == until else None
        try:
            async with self._one, asyncio.timeout(LONGEST_SECONDS):
                where, candles = await source.read(symbol, until)
        except (ArenaError, TimeoutError) as error:
            reason = str(error) or f"the venue did not answer within {LONGEST_SECONDS:g} s"
        except Exception as error:  # whoever asked gets everything else
            log.exception("the candles of %s could not be read", symbol)
            reason = f"they could not be read ({type(error).__name__})"
        else:
            reason = "" if market.endswith(where) else f"the settings name the market {where}, and the season trades on {market}"
            kept = None if reason else Shown(candles=tuple(candles), reason="", read_at=_now(), asked_at=_now(), until=until)
        found = replace(kept, reason=reason, asked_at=_now()) if kept else _nothing(reason, until)
        self._kept[symbol] = found
        return found


def _nothing(reason: str, until: datetime | None) -> Shown:
    return Shown(candles=None, reason=reason, read_at=None, asked_at=_now(), until=until)


def _now() -> datetime:
    return datetime.now(UTC)
