"""`make dashboard-speed CYCLES=10000`: what the dashboard takes over a long season: to read it, in memory, and for its answers.

    python -m tests.dashboard_speed [--cycles 10000] [--asked 50] [--requests 5000] [--at-once 50] [--season FILE]

The dashboard is a process of its own over a file of three competitors, and so is who asks. Each endpoint is asked alone, again
and again; then all of them by many at once, twice. The last line is one JSON object: seconds from the start until the season is
shown; MB of memory at first, after the questions of one, and after each half of those of many; milliseconds of processor that
the dashboard takes for an answer; and each endpoint's p95 in milliseconds, asked alone and by many, the worst as `slowest`.

50 at once wait for each other, so that each takes about 50 times as long as the dashboard works for one. On a machine that does
other things too it waits for those as well; `p95_cpu_ms` is how long it worked between question and answer, which is what remains
of the waiting where it has a core of its own, and `slowest_cpu` the worst of these. Ends with 0 where no p95 is above 100 ms by
the clock and memory is flat.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

from scripts.environment import without_settings
from scripts.processes import default_signals, free_port, python, running
from tests.fakes.dashboard import Books, endpoints

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_MS = 100.0  # p95 of every endpoint
FLAT_MB = 16  # that memory may grow by from the first half of the requests to the second
AT_ONCE = 1000  # cycles, before a line is printed
DIFFERENT = 97  # addresses of what is asked for by number
Addresses = Mapping[str, Sequence[str]]


def asked(cycles: int, described: dict[str, Any]) -> dict[str, list[str]]:
    """Addresses of every endpoint, where it has the most to do, and where the store is asked for something old."""
    chance = random.Random(cycles)

    def somewhere(rows_a_cycle: int) -> list[int]:
        return [chance.randint(1, max(1, rows_a_cycle * cycles)) for _ in range(DIFFERENT)]

    chosen = {
        "/": ["/"],
        "/static": ["/static/page.js"],
        "/equity": ["/equity?points=2000", "/equity"],
        "/competitors/{llm_id}": [f"/competitors/LLM-{letter}" for letter in "ABC"],
        "/cycles/{number}": [f"/cycles/{number}" for number in somewhere(1)],
        "/decisions": ["/decisions?limit=200"],
        "/decisions, old": [f"/decisions?limit=200&before={row}" for row in somewhere(8)],
        "/trades": ["/trades?limit=200"],
        "/trades, old": [f"/trades?llm_id=LLM-B&before={row}" for row in somewhere(1)],
        "/alerts": ["/alerts?limit=200"],
    }
    return {**{path: [address] for path, address in endpoints(described).items()}, **chosen}


def play(path: Path, cycles: int) -> None:
    """Book a season into a file."""
    books = Books(path)
    books.open()
    for done in range(0, cycles, AT_ONCE):
        books.book(min(AT_ONCE, cycles - done))
        print(f"{min(done + AT_ONCE, cycles)} cycles", flush=True)
    books.records.close()


def measured(folder: Path, season: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    """Return what a dashboard over a season takes."""
    port = free_port()
    env_file = folder / "arena.env"
    env_file.write_text(f"SEASON=test\nDATABASE_PATH={season}\nAPI_PORT={port}\n")
    environ = {**without_settings(os.environ), "ARENA_ENV_FILE": str(env_file), "PYTHONPATH": str(ROOT)}
    address, command = f"http://127.0.0.1:{port}", python("-m", "arena.cli", "dashboard", "--no-judge")
    began = time.monotonic()
    with (
        running("dashboard", command, folder / "dashboard.log", environ, f"{address}/health", 60),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        while client.get("/status").status_code != httpx.codes.OK:
            time.sleep(0.1)
        seconds, memory = time.monotonic() - began, [_own(client, "resident_memory_bytes") / 2**20]
        addresses = asked(wanted.cycles, client.get("/openapi.json").json())
        if client.get("/verdict").status_code == httpx.codes.NOT_FOUND:
            del addresses["/verdict"]
        alone = {endpoint: _alone(client, each, wanted.asked) for endpoint, each in addresses.items()}
        memory.append(_own(client, "resident_memory_bytes") / 2**20)
        worked, took = _own(client, "cpu_seconds_total"), defaultdict[str, list[tuple[float, float]]](list)
        for half in (1, 2):
            for endpoint, each in _crowd(address, addresses, wanted.requests // 2, wanted.at_once, half).items():
                took[endpoint] += each
            memory.append(_own(client, "resident_memory_bytes") / 2**20)
        worked = _own(client, "cpu_seconds_total") - worked
    many, own = ({endpoint: p95([each[at] for each in took[endpoint]]) for endpoint in addresses} for at in (0, 1))
    return {
        "shown_seconds": round(seconds, 1),
        "mb": [round(each) for each in memory],
        "flat": memory[-1] - memory[-2] < FLAT_MB,
        "requests": sum(map(len, took.values())),
        "at_once": wanted.at_once,
        "cpu_ms": round(1000 * worked / max(1, sum(map(len, took.values()))), 2),
        "alone_cpu_ms": {endpoint: cpu for endpoint, (_, cpu) in alone.items()},
        "alone_p95_ms": {endpoint: wait for endpoint, (wait, _) in alone.items()},
        "p95_cpu_ms": own,
        "p95_ms": many,
        "slowest_cpu": max(own.values()),
        "slowest": max(many.values()),
    }


def p95(took: Sequence[float]) -> float:
    """Return what 95 of 100 do not exceed."""
    return round(sorted(took)[int(0.95 * (len(took) - 1))], 1)


def _alone(client: httpx.Client, addresses: Sequence[str], times: int) -> tuple[float, float]:
    """Return an endpoint's p95 and the processor's time for one answer, milliseconds, when nobody else asks."""
    took, worked = [], _own(client, "cpu_seconds_total")
    for address in itertools.islice(itertools.cycle(addresses), times):
        began = time.perf_counter()
        client.get(address).raise_for_status()
        took.append(1000 * (time.perf_counter() - began))
    return p95(took), round(1000 * (_own(client, "cpu_seconds_total") - worked) / times, 2)


def _crowd(address: str, addresses: Addresses, requests: int, at_once: int, seed: int) -> dict[str, list[tuple[float, float]]]:
    asking = ["--requests", str(requests), "--at-once", str(at_once), "--seed", str(seed), "--pid", str(_dashboard())]
    command = python("-m", "tests.dashboard_speed.load", address, *asking)
    told = subprocess.run(command, cwd=ROOT, input=json.dumps(addresses), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, list[tuple[float, float]]] = json.loads(told.stdout)
    return found


def _dashboard() -> int:
    """Return the process that was started."""
    return next(each.pid for each in psutil.Process().children() if "dashboard" in each.cmdline())


def _own(client: httpx.Client, name: str) -> float:
    """Return what the dashboard says of its own process; 0 where the system does not tell (it is not Linux)."""
    told = re.search(rf"^process_{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(told[1]) if told else 0.0


def main() -> int:
    """Play, measure and print; return 0 when every answer is quick."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard_speed")
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=50, help="times each endpoint is asked alone")
    parser.add_argument("--requests", type=int, default=5000, help="of many at once, together")
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--season", type=Path, help="a file that was kept, instead of playing one; as long as --cycles says")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="arena-dashboard-") as folder:
        season: Path = wanted.season or Path(folder) / "arena.sqlite"
        if wanted.season is None:
            play(season, wanted.cycles)
        found = measured(Path(folder), season.resolve(), wanted)
    print(json.dumps({"cycles": wanted.cycles, **found}), flush=True)
    return 0 if found["slowest"] <= SLOWEST_MS and found["flat"] else 1


if __name__ == "__main__":
    sys.exit(main())
