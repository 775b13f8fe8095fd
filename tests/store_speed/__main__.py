"""`make store-speed CYCLES=10000`: what a commit takes at a season's start and at its end, on both stores.

    python -m tests.store_speed [--cycles 10000]

Three competitors. Supabase is the local stack with its spool, as production uses it, and every commit is on the disk. The last
line is one JSON object; times are milliseconds, medians. `lease` is a call that does next to nothing: what of the rest is the way
there and back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from arena.adapters.storage.spool_file import SpoolFile
from arena.adapters.storage.spooled import SpooledRecords
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SupabaseRecords
from arena.application.leaderboard import read_leaderboard
from arena.application.store import Leases, Records
from scripts.processes import default_signals
from scripts.supabase_local.stack import Stack, running
from tests.fakes.season import Story

WARM_UP = 50  # cycles of a season, before the first that count
WINDOW = 200  # cycles that count, at the start and at the end
SELDOM = 10  # cycles between two readings of the state where nothing counts
LOOKS = 25  # at the ranking
RANKING = ("competitors", "llm_accounts")  # who leads by equity; the leaderboard reads the season's calls and turns as well
SLOWER = 1.5  # a commit at the end may take this many times one at the start


Store = SqliteRecords | SpooledRecords
Times = dict[str, list[float]]  # milliseconds, by what was called and when in its season


class Play:
    """A season that is played through a store as the flow does."""

    def __init__(self, store: Store) -> None:
        self.records: Records = store
        self.leases: Leases = store
        self.story = Story()
        self.season_id = self.story.season.season_id

    async def begin(self, cycles: int) -> None:
        """Open the season, and play what does not count."""
        await self.records.open_season(self.story.season)
        for number in range(1, cycles + 1):
            unheeded: Times = {}
            await self.cycle(unheeded, "", state=number % SELDOM == 0)
            if number % 1000 == 0:
                print(f"{number} cycles", flush=True)

    async def cycle(self, times: Times, when: str, *, state: bool = True) -> None:
        """Play a cycle, and note what its calls take."""
        record = self.story.cycle()
        if state:
            with measured(times, f"state_{when}"):
                await self.records.state(self.season_id, record.scheduled_at)
        await self.records.begin_cycle(self.season_id, record.number, record.scheduled_at)
        await self.records.append_intents(self.season_id, self.story.intents.pop(record.number))
        with measured(times, f"book_{when}"):
            await self.records.book(record)
        if when:
            with measured(times, "lease"):
                await self.leases.take(self.season_id, "somebody", record.scheduled_at, record.scheduled_at)

    async def ranking(self) -> None:
        """Read who leads."""
        for table in RANKING:
            assert len([row async for row in self.records.rows(table, self.season_id)]) == len(self.story.season.competitors)


async def play(long: Play, fresh: Play, cycles: int) -> dict[str, Any]:
    """Play a long season and a fresh one, their ends in turns so that what slows the machine slows both; return the times."""
    times: Times = {}
    window = min(WINDOW, cycles // 2)
    await long.begin(cycles - window)
    await fresh.begin(min(WARM_UP, cycles))
    for _ in range(window):
        await fresh.cycle(times, "start")
        await long.cycle(times, "end")
    for _ in range(LOOKS):
        with measured(times, "ranking_end"):
            await long.ranking()
    with measured(times, "leaderboard_end"):
        await read_leaderboard(long.records, long.season_id)
    return figures(times)


@contextmanager
def measured(times: Times, name: str) -> Iterator[None]:
    """Note how long the block takes."""
    began = time.perf_counter()
    yield
    times.setdefault(name, []).append(1000 * (time.perf_counter() - began))


def figures(times: Times) -> dict[str, Any]:
    """Return the medians, and how much slower a commit is at the end."""
    medians = {name: median(each) for name, each in times.items()}
    ratio = medians["book_end"] / medians["book_start"]
    return {name: round(value, 2) for name, value in (medians | {"ratio": ratio}).items()}


def main() -> int:
    """Measure both stores; return 0 when a commit does not get slower with the season."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.store_speed")
    parser.add_argument("--cycles", type=int, default=10_000)
    wanted = parser.parse_args()
    stores = {"sqlite": _sqlite, "supabase": _supabase}
    found = {name: _measured(name, opened, wanted.cycles) for name, opened in stores.items()}
    print(json.dumps({"cycles": wanted.cycles, **found}), flush=True)
    return 0 if all(each["ratio"] <= SLOWER for each in found.values()) else 1


def _measured(name: str, opened: Callable[[Path], Any], cycles: int) -> dict[str, Any]:
    print(f"{name}:", flush=True)
    with tempfile.TemporaryDirectory(prefix="arena-speed-") as folder, opened(Path(folder)) as (long, fresh):
        return asyncio.run(play(Play(long), Play(fresh), cycles))


@contextmanager
def _sqlite(folder: Path) -> Iterator[tuple[Store, Store]]:
    with SqliteRecords(folder / "long.sqlite") as long, SqliteRecords(folder / "fresh.sqlite") as fresh:
        yield long, fresh


@contextmanager
def _supabase(folder: Path) -> Iterator[tuple[Store, Store]]:
    def spooled(on: Stack, name: str) -> SpooledRecords:
        return SpooledRecords(SupabaseRecords(on.url, on.service_key), SpoolFile(folder / f"{name}.sqlite"))

    with (
        running(durable=True) as stack,
        stack.fresh_database() as other,
        closing(spooled(stack, "long")) as long,
        closing(spooled(other, "fresh")) as fresh,
    ):
        yield long, fresh


if __name__ == "__main__":
    sys.exit(main())
