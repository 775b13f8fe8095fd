"""Looks at the store once in a while, whoever asks; everything that is answered is of the last look."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from arena.application.standing import SeasonStanding, SeasonStatus
from arena.application.store import Following
from arena.dashboard.answers import Judged
from arena.dashboard.candles import CandleSource, Shelf
from arena.dashboard.judging import EVERY_SECONDS, Found, Judging
from arena.dashboard.season_view import SeasonView
from arena.domain.competitor import SeasonId
from arena.domain.instrument import Instrument
from arena.errors import ArenaError, ConfigurationError, RecordsUnavailable

log = logging.getLogger("arena.dashboard")

KEPT_BYTES = 32 * 2**20  # of answers


class Rendered(NamedTuple):
    """An answer as it is sent: its text, the same in fewer bytes (None where it is short), and what names the text alone."""

    body: bytes
    zipped: bytes | None
    etag: str


class NothingYet(Exception):
    """There is no season to show; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a season is, in the composing side's hands.

    Attributes:
        season_id: Which.
        open: Opens its store; raises ConfigurationError where there is none.
        halted: Returns why this machine has halted the season, and since when, or None.
        seconds: Between two looks.
        candles: Where its symbols' candles come from; None where there is no venue to ask.
        contracts: Returns those of its symbols whose margin tiers are known here.
        judgement: Returns its newest judgement, or None.
        judge: Makes a new one, and ends what it has started when it is cancelled; None where nobody does.
        judged_seconds: From one judgement to the next, at least.
    """

    season_id: SeasonId
    open: Callable[[AsyncExitStack], Following]
    halted: Callable[[], SeasonStanding | None]
    seconds: float
    candles: CandleSource | None = None
    contracts: Callable[[], Mapping[str, Instrument]] = dict
    judgement: Callable[[], Found | None] = lambda: None
    judge: Callable[[], Awaitable[None]] | None = None
    judged_seconds: float = EVERY_SECONDS


class Watch:
    """The season as of the last look.

    Attributes:
        version: Rises whenever something that is shown has changed.
        standing: Whether the season runs, and why not.
        away: The store could not be reached at the last look.
        looked_at: When it last could, by this machine's clock.
        candles: What the venue's public data shows of its symbols.
        answers: What was already rendered of this version, by what was asked for.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.version = 0
        self.standing = SeasonStanding(status=SeasonStatus.RUNNING, reason="", time=datetime.now(UTC))
        self.away = False
        self.looked_at: datetime | None = None
        self.candles = Shelf(source.candles)
        self.answers: dict[str, Rendered] = {}
        self._kept_bytes = 0
        self._judging = Judging(source.season_id, source.judgement, source.judge, source.judged_seconds)
        self._view: SeasonView | None = None
        self._reading: SeasonView | None = None
        self._why = "the season is being read"
        self._shown: Any = None
        self._changed = asyncio.Condition()
        self._ended = False

    @property
    def view(self) -> SeasonView:
        """The season.

        Raises:
            NothingYet: It has not begun, or was not read to its end so far.
        """
        if self._view is None:
            raise NothingYet(self._why)
        return self._view

    @property
    def judged(self) -> Judged | None:
        """The newest judgement; None before the first."""
        return self._judging.judged

    @property
    def judging(self) -> bool:
        """Whether a judgement is being made."""
        return self._judging.under_way

    async def run(self) -> None:
        """Look until cancelled. A store that fails is asked again."""
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self._judging.end)
            store: Following | None = None
            while True:
                try:
                    store = store or self.source.open(closing)
                    await self.look(store)
                    self._judging.begin(len(self._view.cycles) if self._view else 0)
                except ArenaError as error:
                    self._fails(error)
                except Exception as error:  # what is shown stays, and says that it is old
                    log.exception("the dashboard could not read the season")
                    self._fails(error)
                await self._publish()
                await asyncio.sleep(self.source.seconds)

    async def look(self, store: Following) -> None:
        """Read what is new."""
        halted = self.source.halted()
        if self._reading is None:
            self._reading = await SeasonView.begin(store, self.source.season_id)
        if self._reading is None:
            self._why = f"the season {self.source.season_id} has not begun"
            return
        view = self._reading
        while await view.advance():
            self._why = f"the season is being read: {len(view.cycles):,} cycles so far"
            await asyncio.sleep(0)
        if view.looked != view.bookings:
            await view.look(self.source.contracts())
        await view.look_ahead()
        self._view = view
        running = SeasonStanding(status=SeasonStatus.RUNNING, reason="", time=datetime.fromisoformat(view.season["started_at"]))
        self.standing = halted or await store.standing(self.source.season_id) or running
        self.away, self.looked_at = False, datetime.now(UTC)
        self._judging.look()

    async def changed(self, version: int) -> int | None:
        """Wait until something else than `version` is shown, and return which; None where nothing will be any more."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or self.version != version)
            return None if self._ended else self.version

    async def end(self) -> None:
        """Let nobody wait any longer."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    def keep(self, key: str, answer: Rendered) -> None:
        """Keep an answer as long as nothing changes, or until there are too many."""
        size = len(answer.body) + len(answer.zipped or b"")
        if self._kept_bytes + size > KEPT_BYTES:
            self._forget()
        self.answers[key] = answer
        self._kept_bytes += size

    def _forget(self) -> None:
        self.answers.clear()
        self._kept_bytes = 0

    def _fails(self, error: Exception) -> None:
        self.away = not isinstance(error, ConfigurationError)
        if isinstance(error, RecordsUnavailable | ConfigurationError):
            self._why = str(error)
        elif self._view is None:
            self._why = f"the season cannot be read ({type(error).__name__})"

    async def _publish(self) -> None:
        view = self._view
        begun = view.cycles.begun if view else None
        judging = (self._judging.written, self.judging)
        shown = (view and view.bookings, begun and begun["number"], self.standing, self.away, judging)
        if shown == self._shown:
            return
        async with self._changed:
            self._shown = shown
            self.version += 1
            self._forget()
            self._changed.notify_all()
