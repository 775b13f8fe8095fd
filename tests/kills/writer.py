"""The process that is killed: it books cycles of a story as the flow does, and tells every step."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from arena.adapters.storage.spool_file import SpoolFile
from arena.adapters.storage.spooled import SpooledRecords
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SupabaseRecords
from arena.application.record import CycleRecord
from arena.application.store import Records
from arena.domain.order import Intent
from arena.errors import CycleConflict
from tests.fakes.season import Story, season

HASTE = 60  # the spool's pause of 15 s after a failure, in a quarter of a second
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a season is kept: a file, or a Supabase with a spool in a file."""

    file: Path
    url: str = ""
    key: str = ""

    def opened(self) -> SqliteRecords | SpooledRecords:
        """Return the store as a process opens it when it starts."""
        if not self.url:
            return SqliteRecords(self.file)
        return SpooledRecords(SupabaseRecords(self.url, self.key), SpoolFile(self.file), lambda: HASTE * time.monotonic())

    def bare(self) -> SqliteRecords | SupabaseRecords:
        """Return what is in the store itself, whatever waits for it."""
        return SupabaseRecords(self.url, self.key) if self.url else SqliteRecords(self.file)


class Scene(NamedTuple):
    """A cycle, and what is written ahead of it."""

    record: CycleRecord
    intents: tuple[Intent, ...]


class Word(NamedTuple):
    """A step of the writer's: claiming, booking or booked, and when; ended, or the defect that ended it."""

    step: str
    cycle: int
    at: float


class Script:
    """A story whose cycles can be had again."""

    def __init__(self, name: str, seed: int) -> None:
        self._story = Story(season(name), seed)
        self._scenes: list[Scene] = []
        self.season = self._story.season

    def scenes(self, first: int, last: int) -> list[Scene]:
        """Return the cycles of these numbers."""
        while len(self._scenes) < last:
            record = self._story.cycle()
            self._scenes.append(Scene(record, self._story.intents[record.number]))
        return self._scenes[first - 1 : last]


def write(place: Place, scenes: Sequence[Scene], told: Connection) -> None:
    """Book cycles until the last, or until killed."""
    logging.getLogger("arena.records").setLevel(logging.ERROR)  # an outage is no news here
    try:
        asyncio.run(_write(place, scenes, told))
    except Exception as error:  # whoever kills must hear of it, whatever it is
        told.send(Word(f"{type(error).__name__}: {error}", 0, time.monotonic()))


async def prepare(records: Records, scene: Scene) -> None:
    """Do what comes before a booking; what was done before it was killed is done already."""
    with suppress(CycleConflict):
        await records.begin_cycle(scene.record.season_id, scene.record.number, scene.record.scheduled_at)
    await records.append_intents(scene.record.season_id, scene.intents)


async def deliver(records: Records, scene: Scene) -> None:
    """Read the state as the next cycle does; whatever waits in the spool is delivered before."""
    while True:
        await records.state(scene.record.season_id, scene.record.closed_at)
        if not records.away:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _write(place: Place, scenes: Sequence[Scene], told: Connection) -> None:
    def tell(step: str, cycle: int) -> None:
        told.send(Word(step, cycle, time.monotonic()))

    with closing(place.opened()) as records:
        await records.state(scenes[0].record.season_id, scenes[0].record.scheduled_at)
        for scene in scenes:
            tell("claiming", scene.record.number)
            await prepare(records, scene)
            tell("booking", scene.record.number)
            await records.book(scene.record)
            tell("booked", scene.record.number)
        await deliver(records, scenes[-1])
    tell("ended", scenes[-1].record.number)
