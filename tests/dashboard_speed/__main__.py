"""`make dashboard-speed CYCLES=10000`: what the dashboard takes over a long season: to read it, in memory, and for an answer.

    python -m tests.dashboard_speed [--cycles 10000] [--asked 50]

The dashboard is a process of its own over a file of three competitors. The last line is one JSON object: seconds until the season
is read, MB of memory before and after all the questions, and each endpoint's p95 in milliseconds, the worst of them as `slowest`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from scripts.processes import default_signals, free_port, python, running
from tests.fakes.dashboard import Books

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_MS = 100.0  # p95 of every endpoint
AT_ONCE = 1000  # cycles, before a line is printed


def asked(cycles: int) -> tuple[str, ...]:
    """Every endpoint, where it has the most to do, and where the store is asked for something old."""
    middle = max(1, cycles // 2)
    return (
        *("/status", "/leaderboard", "/llm-accounts", "/positions", "/costs", "/fairness", "/metrics", "/competitors/LLM-A"),
        *("/equity?points=2000", "/decisions?limit=200", "/trades?limit=200", "/alerts?limit=200", f"/cycles/{cycles}"),
        *(f"/cycles/{middle}", f"/decisions?before={9 * middle}&limit=200", f"/trades?before={middle}&llm_id=LLM-B", "/"),
    )


def play(path: Path, cycles: int) -> None:
    """Book a season into a file."""
    books = Books(path)
    books.open()
    for done in range(0, cycles, AT_ONCE):
        books.book(min(AT_ONCE, cycles - done))
        print(f"{min(done + AT_ONCE, cycles)} cycles", flush=True)
    books.records.close()


def measured(folder: Path, cycles: int, times: int) -> dict[str, Any]:
    """Return what a dashboard over the season in a folder takes."""
    port = free_port()
    env_file = folder / "arena.env"
    env_file.write_text(f"SEASON=test\nDATABASE_PATH={folder / 'arena.sqlite'}\nAPI_PORT={port}\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "API_", "LLM_"))}
    environ = {**kept, "ARENA_ENV_FILE": str(env_file), "PYTHONPATH": str(ROOT)}
    address, command = f"http://127.0.0.1:{port}", python("-m", "arena.cli", "dashboard")
    with (
        running("dashboard", command, folder / "dashboard.log", environ, f"{address}/health", 60),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        began = time.monotonic()
        while client.get("/status").status_code != httpx.codes.OK:
            time.sleep(0.1)
        seconds, before = time.monotonic() - began, _memory_mb(client)
        p95 = {path: _p95_ms(client, path, times) for path in asked(cycles)}
        return {
            "read_seconds": round(seconds, 1),
            "mb": [before, _memory_mb(client)],
            "p95_ms": p95,
            "slowest": max(p95.values()),
        }


def _p95_ms(client: httpx.Client, path: str, times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        took.append(1000 * (time.perf_counter() - began))
    return round(sorted(took)[int(0.95 * (len(took) - 1))], 1)


def _memory_mb(client: httpx.Client) -> int:
    """Return what the dashboard holds in memory; 0 where the system does not tell (it is not Linux)."""
    told = re.search(r"^process_resident_memory_bytes (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return int(float(told[1]) / 2**20) if told else 0


def main() -> int:
    """Play, measure and print; return 0 when every answer is quick."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard_speed")
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=50)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="arena-dashboard-") as folder:
        play(Path(folder) / "arena.sqlite", wanted.cycles)
        found = measured(Path(folder), wanted.cycles, wanted.asked)
    print(json.dumps({"cycles": wanted.cycles, **found}), flush=True)
    return 0 if found["slowest"] <= SLOWEST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
