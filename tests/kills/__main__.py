"""`make kill-test SEED=1 KILLS=200`: kill -9 in random moments of a commit, and whether every cycle is booked once or not at all.

    python -m tests.kills [--seed 1] [--kills 200]

Half of the kills on SQLite, half on the local Supabase stack with its spool: there the writer, Postgres and PostgREST take turns.
The last line is one JSON object; the exit code is 0 when nothing is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from scripts.processes import default_signals
from scripts.supabase_local.stack import Stack, running
from tests.kills.run import Season, Tally

SEASON = 24  # kills
FAULTS = 20  # that are printed
LONGEST = 1000  # letters of one


def main() -> int:
    """Kill, print what it came to, and return 0 when nothing is broken."""
    default_signals()
    logging.getLogger("arena.records").setLevel(logging.ERROR)  # an outage is no news here
    parser = argparse.ArgumentParser(prog="python -m tests.kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    wanted = parser.parse_args()
    began = time.monotonic()
    dice = random.Random(wanted.seed)
    with tempfile.TemporaryDirectory(prefix="arena-kills-") as folder:
        on_sqlite = _killed("SQLite", Path(folder), dice, wanted.kills // 2)
        with running(durable=True) as stack:
            on_supabase = _killed("Supabase", Path(folder), dice, wanted.kills - wanted.kills // 2, stack)
    print(json.dumps(_verdict(on_sqlite, on_supabase) | {"seconds": round(time.monotonic() - began)}), flush=True)
    return 1 if on_sqlite.broken or on_supabase.broken else 0


def _killed(where: str, folder: Path, dice: random.Random, kills: int, stack: Stack | None = None) -> Tally:
    """Kill in one season after the other, for all of a season is read at every kill; until something is broken."""
    tally = Tally()
    for first in range(0, kills, SEASON):
        if tally.broken:
            break
        season = Season(f"{where}-{first}".lower(), folder, dice, stack, tally)
        asyncio.run(season.play(min(SEASON, kills - first)))
        killed = ", ".join(f"{name} {count}" for name, count in tally.victims.items())
        print(f"{where}: {killed} killed; {tally.booked_once} cycles booked once, {tally.not_at_all} not at all", flush=True)
    for fault in tally.faults[:FAULTS]:
        print(fault[:LONGEST], file=sys.stderr)
    return tally


def _verdict(*tallies: Tally) -> dict[str, int]:
    counted = {name: sum(getattr(each, name) for each in tallies) for name in ("inside", "booked_once", "not_at_all", "broken")}
    return {"kills": sum(each.victims.total() for each in tallies), **counted}


if __name__ == "__main__":
    sys.exit(main())
