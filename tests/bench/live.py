"""What a cycle costs beside its models on a running Prefect server: six pairs, models that answer at once."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from scripts.processes import python

ROOT = Path(__file__).resolve().parents[2]
COMPETITORS = (3, 30)
MOST_SECONDS = 1.0  # for three
MOST_TIMES = 2.0  # for thirty, of three


def measured(competitors: int, cycles: int) -> dict[str, Any]:
    """Return the medians of a season, seconds.

    Raises:
        SystemExit: It failed.
    """
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as folder:
        command = python("-m", "tests.bench.season", str(competitors), str(cycles), str(Path(folder) / f"bench-{competitors}"))
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"the season of {competitors} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def table(found: dict[int, dict[str, Any]]) -> list[str]:
    """Return the steps of seasons of so many competitors side by side."""
    lines = [f"{'step':<12}" + "".join(f"{number:>6} competitors" for number in found) + "   ms, median"]
    for name in next(iter(found.values()))["steps"]:
        lines.append(f"{name:<12}" + "".join(f"{1000 * each['steps'].get(name, 0):>18.0f}" for each in found.values()))
    return [*lines, f"{'whole flow':<12}" + "".join(f"{1000 * each['flow']:>18.0f}" for each in found.values())]
