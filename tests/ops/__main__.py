"""`make ops-test SEED=1 KILLS=20`: kill -9 of worker, flow and server while a season runs by itself under `make up`.

    python -m tests.ops [--seed 1] [--kills 20] [--interval 60]

Each of the three is killed so often, in random order and at random moments. Then the books are held against the simulator's
journal. The last line is one JSON object; the exit code is 0 when no fill was lost or doubled, the books equal the venue's, no
kill cost more than a cycle, and alerts told of those that crashed (of a deployment once in a quarter of an hour).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from arena.adapters.storage.sqlite import SqliteRecords
from arena.domain.competitor import SeasonId
from scripts.processes import default_signals
from tests.chaos.audit import audit
from tests.ops.season import VICTIMS, Season, running

LETTERS = "ABC"
CALM_SECONDS = 60.0  # until what was under way is over
TRIES = 5  # at a cycle that may end before its turn to be killed comes
FLOW_SECONDS = 3.0  # that a cycle takes at least, from its process on
BACK_SECONDS = 240.0  # until a cycle is booked again


def main() -> int:
    """Kill, print what it came to, and return 0 when the season survived it."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.ops")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20, help="of each")
    parser.add_argument("--interval", type=int, default=60, help="seconds between two cycles")
    wanted = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="arena-ops-") as folder,
        running(Path(folder) / f"ops-{os.getpid()}", wanted.interval) as season,
    ):
        until_booked(season, 1)
        killed, pauses = play(season, random.Random(wanted.seed), wanted.kills)
        verdict = {"kills": dict(killed), "missed": dict(pauses), **judge(season)}
    verdict["seconds"] = round(time.monotonic() - began)
    print(json.dumps(verdict), flush=True)
    return 0 if well(verdict, wanted.kills) else 1


def play(season: Season, dice: random.Random, kills: int) -> tuple[Counter[str], Counter[str]]:
    """Kill each victim so often, each time at a random moment between two cycles; wait for a booked cycle after each.

    Returns:
        How often each was killed, and how many boundaries of the schedule went by after one kill of it at most.
    """
    order = [victim for victim in VICTIMS for _ in range(kills)]
    dice.shuffle(order)
    killed: Counter[str] = Counter()
    pauses: Counter[str] = Counter()
    for victim in order:
        before, booked = slots(season)[-1], season.booked()
        killed[victim] += kill_one(season, victim, dice)
        until_booked(season, booked + 1)
        went_by = missed([before, *(slot for slot in slots(season) if slot > before)])
        pauses[victim] = max(pauses[victim], went_by)
        print(f"{killed.total()} kills, {season.booked()} cycles booked; {victim} last, {went_by} missed", flush=True)
    return killed, pauses


def kill_one(season: Season, victim: str, dice: random.Random) -> bool:
    """Kill a victim at a random moment; return whether it was there."""
    if victim != "flow":
        time.sleep(dice.uniform(0, season.interval_seconds))
        return season.kill(victim, season.interval_seconds)
    for _ in range(TRIES):
        if season.there(victim, 2 * season.interval_seconds):
            time.sleep(dice.uniform(0, FLOW_SECONDS))
            if season.kill(victim, 0):
                return True
    return False


def until_booked(season: Season, number: int) -> None:
    """Wait until so many cycles are booked.

    Raises:
        TimeoutError: They are not.
    """
    deadline = time.monotonic() + BACK_SECONDS
    while season.booked() < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{season.booked()} of {number} cycles are booked after {BACK_SECONDS:.0f} s: {season.logs()}")
        time.sleep(0.5)


def judge(season: Season) -> dict[str, Any]:
    """Halt, let what is under way end, and hold the books against the venue's journal."""
    season.arena("halt", "--reason", "the rehearsal is over")
    time.sleep(CALM_SECONDS)
    journal, tables = season.simulator("/simulator/journal"), asyncio.run(_tables(season))
    account = next(each for each in journal["accounts"].values() if each["keys"][0] == "simulator")
    found = audit(account, datetime.fromisoformat(journal["now"]), tables, LETTERS)
    for fault in found.faults:
        print(fault, file=sys.stderr)
    verified, said = season.arena("verify")
    if verified != 0:
        print(said, file=sys.stderr)
    return {
        "cycles": season.booked(),
        "missed_max": missed(slots(season)),
        "fills": found.fills,
        "lost": found.lost,
        "doubled": found.doubled,
        "orphan_stops": found.orphan_stops,
        "naked_seconds_max": round(found.naked_seconds, 1),
        "books_equal": found.books_equal,
        "verified": verified == 0,
        "crashed": len(season.runs("trading-cycle", "CRASHED")),
        "alerts": len(season.runs("alert", "COMPLETED")),
    }


def slots(season: Season) -> list[int]:
    """Return the numbers of the schedule's intervals in which booked cycles began."""
    return [int(at.timestamp() // season.interval_seconds) for _, status, at in season.cycles() if status == "booked"]


def missed(intervals: Sequence[int]) -> int:
    """Return how many intervals lie at most between two with a booked cycle."""
    return max((later - earlier - 1 for earlier, later in pairwise(intervals)), default=0)


def well(verdict: dict[str, Any], kills: int) -> bool:
    """Return whether the season survived."""
    broken = verdict["lost"] or verdict["doubled"] or verdict["orphan_stops"] or not verdict["books_equal"]
    told = verdict["verified"] and (verdict["alerts"] or not verdict["crashed"])
    return (
        bool(told)
        and not broken
        and verdict["missed_max"] <= 1
        and all(verdict["kills"].get(victim, 0) >= kills for victim in VICTIMS)
    )


async def _tables(season: Season) -> dict[str, Any]:
    name = SeasonId(season.base.directory.name)
    with SqliteRecords(season.base.directory / "arena.sqlite") as records:
        return {table: [row async for row in records.rows(table, name)] for table in ("fills", "positions", "llm_accounts")}


if __name__ == "__main__":
    sys.exit(main())
