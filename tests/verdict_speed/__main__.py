"""`make verdict-speed`: what a report of three models takes, over 90 days of five-minute cycles with all baselines.

    python -m tests.verdict_speed [--days 90] [--data FOLDER] [--season FILE]

A season is made in a file (or taken from one that is there), then `arena report` writes its HTML in a process of its own: the
imports, 10,000 resamples of the hourly gains, the baselines and a thousand random traders for each competitor are in it. It runs
twice, because the first one may compile. Then `--help` of some commands shows what starting takes where nothing is judged.
The last line is one JSON object, in seconds; ends with 0 where the report took less than 10 s and a start less than 1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.verdict_speed.season import PLAYED, make

CANDLES = Path(__file__).resolve().parents[3] / "shared" / "marketdata" / "5m"
LONGEST_REPORT = 10.0
LONGEST_START = 1.0


def main() -> int:
    """Make a season, write its report, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m tests.verdict_speed")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--data", type=Path, default=CANDLES, help="of 2025-01-01 on")
    parser.add_argument("--season", type=Path, help="file that keeps the season for the next time")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="arena-verdict-") as folder:
        path = (wanted.season or Path(folder) / "arena.sqlite").resolve()
        if not path.exists():
            asyncio.run(make(path, wanted.days * PLAYED))
        arguments = ["report", "--season", "test", "--out", "report.html", "--data", str(wanted.data.resolve())]
        took = [_seconds(arguments, Path(folder), path) for _ in range(2)]
        told = (Path(folder) / "report.html").read_text()
        starts = {name: _seconds([*name.split(), "--help"], Path(folder), path) for name in ("", "leaderboard", "verdict")}
    figures = {"days": wanted.days, "first_report": took[0], "report": took[1], "start": max(starts.values())}
    print(json.dumps(figures | {"baselines": told.count('class="baseline"') // 2}), flush=True)
    return 0 if took[1] < LONGEST_REPORT and figures["start"] < LONGEST_START else 1


def _seconds(arguments: list[str], folder: Path, book: Path) -> float:
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", ""),
        "DATABASE_PATH": str(book),
        "ENVIRONMENT": "paper",
    }
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "arena.cli", *arguments], cwd=folder, env=settings, check=True, stdout=subprocess.DEVNULL
    )
    return round(time.perf_counter() - began, 2)


if __name__ == "__main__":
    sys.exit(main())
