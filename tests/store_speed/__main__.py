"""`make store-speed CYCLES=10000`: what a cycle pays for its books at a season's start and at its end, on both stores.

    python -m tests.store_speed [--cycles 10000]

Three competitors. Supabase is the local stack with its spool, as production uses it, and every commit is on the disk. The last
line is one JSON object; times are milliseconds, medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from arena.adapters.storage.spool_file import SpoolFile
from arena.adapters.storage.spooled import SpooledRecords
from arena.adapters.storage.sqlite import SqliteRecords
from arena.adapters.storage.supabase import SupabaseRecords
from arena.application.leaderboard import read_leaderboard
from arena.application.ports import Records
from scripts.processes import default_signals
from scripts.supabase_local.stack import running
from tests.fakes.season import Story

WARM_UP = 50  # cycles, before the first that count
WINDOW = 200  # cycles that count, at either end
SELDOM = 10  # cycles between two readings of the state where nothing counts
LOOKS = 5  # at the leaderboard
SLOWER = 1.5  # a commit at the end may take this many times one at the start


Times = dict[tuple[str, str], list[float]]  # milliseconds, by what was called and when in the season


async def play(records: Records, cycles: int) -> dict[str, Any]:
    """Play a season through a store as the flow does, and return what its calls took."""
    story, times = Story(), Times()
    season_id = story.season.season_id
    await records.open_season(story.season)
    for number in range(1, cycles + 1):
        record, when = story.cycle(), part(number, cycles)
        if when != "middle" or number % SELDOM == 0:
            with measured(times, "state", when):
                await records.state(season_id, record.scheduled_at)
        await records.begin_cycle(season_id, number, record.scheduled_at)
        await records.append_intents(season_id, story.intents.pop(number))
        with measured(times, "book", when):
            await records.book(record)
        if number % 1000 == 0:
            print(f"{number} cycles, booked in {median(times['book', when][-WINDOW:]):.1f} ms", flush=True)
    for _ in range(LOOKS):
        with measured(times, "leaderboard", "end"):
            await read_leaderboard(records, season_id)
    return figures(times)


def part(number: int, cycles: int) -> str:
    """Return where in the season a cycle is; those of the warm-up and the middle do not count."""
    skipped = min(WARM_UP, cycles // 5)
    window = min(WINDOW, (cycles - skipped) // 2)
    if skipped < number <= skipped + window:
        return "start"
    return "end" if number > cycles - window else "middle"


@contextmanager
def measured(times: Times, name: str, when: str) -> Iterator[None]:
    """Note how long the block takes."""
    began = time.perf_counter()
    yield
    times.setdefault((name, when), []).append(1000 * (time.perf_counter() - began))


def figures(times: Times) -> dict[str, Any]:
    """Return the medians, and how much slower a commit is at the end."""
    counted = {f"{name}_{when}": median(each) for (name, when), each in times.items() if when != "middle"}
    ratio = counted["book_end"] / counted["book_start"]
    return {name: round(value, 2) for name, value in (counted | {"ratio": ratio}).items()}


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
    with tempfile.TemporaryDirectory(prefix="arena-speed-") as folder, opened(Path(folder)) as records:
        return asyncio.run(play(records, cycles))


@contextmanager
def _sqlite(folder: Path) -> Iterator[Records]:
    with SqliteRecords(folder / "arena.sqlite") as records:
        yield records


@contextmanager
def _supabase(folder: Path) -> Iterator[Records]:
    with running(durable=True) as stack:
        records = SpooledRecords(SupabaseRecords(stack.url, stack.service_key), SpoolFile(folder / "spool.sqlite"))
        try:
            yield records
        finally:
            records.close()


if __name__ == "__main__":
    sys.exit(main())
