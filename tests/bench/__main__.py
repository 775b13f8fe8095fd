"""`make bench`: what a cycle costs beside its models, on a running Prefect server, six symbols, models that answer at once.

    python -m tests.bench [--cycles 20]

Prints a table of steps for 3 and for 30 competitors, medians in milliseconds; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.processes import default_signals, python

ROOT = Path(__file__).resolve().parents[2]
COMPETITORS = (3, 30)
MOST_SECONDS = 1.0  # for three
MOST_TIMES = 2.0  # for thirty, of three


def measured(competitors: int, cycles: int) -> dict[str, Any]:
    """Return the medians of a season, seconds."""
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as folder:
        command = python("-m", "tests.bench.season", str(competitors), str(cycles), str(Path(folder) / f"bench-{competitors}"))
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"the season of {competitors} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Measure; return 0 where the overhead is within its bounds."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--cycles", type=int, default=20)
    wanted = parser.parse_args()
    found = {number: measured(number, wanted.cycles) for number in COMPETITORS}
    few, many = (found[number] for number in COMPETITORS)
    print(f"{'step':<12}" + "".join(f"{number:>6} competitors" for number in COMPETITORS) + "   ms, median")
    for name in few["steps"]:
        print(f"{name:<12}" + "".join(f"{1000 * each['steps'].get(name, 0):>18.0f}" for each in (few, many)))
    print(f"{'whole flow':<12}" + "".join(f"{1000 * each['flow']:>18.0f}" for each in (few, many)))
    times = many["flow"] / few["flow"]
    flows = [round(each["flow"], 3) for each in (few, many)]
    print(json.dumps({"cycles": wanted.cycles, "competitors": COMPETITORS, "flow_s": flows, "times": round(times, 2)}))
    return 0 if few["flow"] <= MOST_SECONDS and times <= MOST_TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
