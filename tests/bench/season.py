"""One season on a private simulator and Prefect server, whose models answer at once; prints what its cycles took as JSON.

    python -m tests.bench.season COMPETITORS CYCLES DIRECTORY

Prefect reads its settings when it is imported, so each season has a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import httpx

from arena.by_letter import LETTERS
from scripts.demo_request import INTERVAL_SECONDS, Cast, Demo, configure, prepare, read_request
from scripts.demo_season import SECONDS_PER_CYCLE, first_instant, prefect_server, recorded, simulator
from scripts.processes import default_signals

WARM_UP = 3  # cycles that do not count: imports, the first connections
PAGE = 200  # Prefect's own limit
RULE = "random"


@contextlib.contextmanager
def rules(demo: Demo) -> Iterator[list[str]]:
    """Everybody is a rule that the simulator answers for, at once."""
    lines = ["OPENAI_API_KEY=demo"]
    for letter in LETTERS[: demo.cast.competitors]:
        lines += [f"LLM_{letter}_PROVIDER=openai", f"LLM_{letter}_MODEL={RULE}", f"LLM_{letter}_BASE_URL={demo.simulator_url}/v1"]
    yield lines


async def play(demo: Demo) -> dict[str, Any]:
    """Play the season and return the medians, seconds: of the whole flow and of each step."""
    from flows.trading_cycle import trading_cycle

    async with httpx.AsyncClient(timeout=30) as http:
        first = await first_instant(http, demo)
        took = []
        for number in range(1, demo.cycles + 1):
            at = first + timedelta(seconds=number * INTERVAL_SECONDS)
            (await http.post(f"{demo.simulator_url}/simulator/clock", json={"to": at.isoformat()})).raise_for_status()
            began = time.perf_counter()
            await trading_cycle()
            took.append(time.perf_counter() - began)
            await asyncio.sleep(max(0.0, SECONDS_PER_CYCLE - took[-1]))
        await recorded(http, demo)
        return {"flow": median(took[WARM_UP:]), "steps": await steps(http, f"{demo.prefect_url}/api")}


async def steps(http: httpx.AsyncClient, api: str) -> dict[str, float]:
    """Return what each step took in the median, seconds; all competitors' decisions are one step, from the first to the last."""
    spans: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for offset in range(0, 1_000_000, PAGE):
        page = (await http.post(f"{api}/task_runs/filter", json={"limit": PAGE, "offset": offset})).json()
        for run in page:
            name = re.sub(r"(-[0-9a-f]{3}| LLM-[A-Z]+)$", "", run["name"])
            begin, end = (datetime.fromisoformat(run[each]).timestamp() for each in ("start_time", "end_time"))
            spans[name].append((run["flow_run_id"], begin, end))
        if len(page) < PAGE:
            break
    return {name: median(_per_flow(each)) for name, each in spans.items()}


def _per_flow(spans: list[tuple[str, float, float]]) -> list[float]:
    flows: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for flow, begin, end in spans:
        flows[flow].append((begin, end))
    return [max(end for _, end in each) - min(begin for begin, _ in each) for each in flows.values()]


def main() -> int:
    """Run it; the last line is a JSON object."""
    default_signals()
    competitors, cycles, directory = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.environ |= {"DEMO_CYCLES": str(cycles), "DEMO_DIR": directory}
    os.environ.pop("DEMO_DATA", None)
    demo = read_request(Cast(command="make bench", competitors=competitors, cycles=cycles, directory=directory, answering=rules))
    prepare(demo)
    with contextlib.ExitStack() as processes:
        configure(demo, processes.enter_context(rules(demo)))
        processes.enter_context(simulator(demo))
        processes.enter_context(prefect_server(demo))
        print(json.dumps(asyncio.run(play(demo))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
