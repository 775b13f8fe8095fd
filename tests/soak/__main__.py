"""`make soak CYCLES=2000`: the memory of worker, server and dashboard over a long season under `make up`, in accelerated time.

    python -m tests.soak [--cycles 2000] [--batch 20]

A process of the worker's does a batch of cycles, because it takes seconds to start and a cycle one; sweeps run beside them, and
somebody looks at the dashboard. From cycle SETTLED on, the memory of each of the three may grow by a tenth. The last line is one
JSON object: MB by process at every sample, and by how much of what it had at SETTLED each has grown at most.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from deployments.pools import POOL
from deployments.recover import flow_processes
from deployments.server import PrefectServer, prefect_server
from scripts.processes import default_signals
from scripts.up.base import PROJECT
from scripts.up.supervision import Supervisor
from tests.ops.season import Season, running

WATCHED = ("worker", "prefect-server", "dashboard")
LOOKED_AT = ("/", "/status", "/leaderboard", "/equity", "/decisions", "/positions", "/metrics")
INTERVAL_SECONDS = 300
SETTLED = 200  # cycles, from which on memory is compared
EVERY = 100  # cycles between two samples
MOST_GROWTH = 0.1
PATIENCE_SECONDS = 300.0  # for a batch


def main() -> int:
    """Run the season, print its memory, and return 0 when that stays as it is."""
    default_signals()
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--cycles", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=20)
    wanted = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="arena-soak-") as folder,
        running(Path(folder) / f"soak-{os.getpid()}", INTERVAL_SECONDS) as season,
    ):
        samples = play(season, wanted.cycles, wanted.batch)
        booked = season.booked()
    grown = growth(samples)
    took = round(time.monotonic() - began)
    print(json.dumps({"cycles": booked, "memory_mb": samples, "grown": grown, "seconds": took}), flush=True)
    return 0 if booked >= wanted.cycles and grown and all(each <= MOST_GROWTH for each in grown.values()) else 1


def play(season: Season, cycles: int, batch: int) -> dict[int, dict[str, float]]:
    """Have the worker do batch after batch; return the MB of each process by booked cycles."""
    samples: dict[int, dict[str, float]] = {}
    with prefect_server(season.base.kept_ports().api_url) as server, onlooker(season) as look:
        paused = server.get("/deployments/name/trading-cycle/trading-cycle")["id"]
        server.post(f"/deployments/{paused}/pause_deployment")
        deployment = deployed(server)
        while (booked := season.booked()) < cycles:
            run = server.post(f"/deployments/{deployment}/create_flow_run", parameters={"cycles": batch})["id"]
            until_ended(server, run, look)
            reached = season.booked() // EVERY * EVERY
            if reached > booked // EVERY * EVERY:
                samples[reached] = memory(season)
                print(f"{reached} cycles: {samples[reached]} MB", flush=True)
    return samples


def deployed(server: PrefectServer) -> str:
    """Register the batch, and return the deployment's id."""
    flow = server.post("/flows/", name="soak")["id"]
    where = {"path": str(PROJECT), "entrypoint": "tests/soak/batch.py:batch", "work_pool_name": POOL}
    return str(server.post("/deployments/", name="soak", flow_id=flow, **where)["id"])


def until_ended(server: PrefectServer, run: str, look: httpx.Client) -> None:
    """Wait for a run, with an eye on the dashboard.

    Raises:
        TimeoutError, ValueError: It does not end, or not well.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (state := server.get(f"/flow_runs/{run}")["state"])["type"] not in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"a batch is still {state['name']} after {PATIENCE_SECONDS:.0f} s")
        for path in LOOKED_AT:
            if look.get(path).status_code not in {
                httpx.codes.OK,
                httpx.codes.SERVICE_UNAVAILABLE,
            }:  # the latter before the first cycle
                raise ValueError(f"the dashboard's {path} does not answer as it should")
        time.sleep(1)
    if state["type"] != "COMPLETED":
        raise ValueError(f"a batch ended as {state['name']}: {state['message']}")


@contextmanager
def onlooker(season: Season) -> Iterator[httpx.Client]:
    """Yield somebody who looks at the dashboard."""
    address = f"http://127.0.0.1:{season.base.kept_ports().dashboard}"
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as http:
        yield http


def memory(season: Season) -> dict[str, float]:
    """Return the resident MB of each program, without the flows that the worker has started."""
    pids = {each["name"]: each["pid"] for each in Supervisor(season.base).processes()}
    return {name: round(_resident(pids[name]) / 1e6, 1) for name in WATCHED}


def _resident(pid: int) -> int:
    flows = {process.pid for _, process in flow_processes()}
    total = 0
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += 0 if process.pid in flows else int(process.memory_info().rss)
    return total


def growth(samples: dict[int, dict[str, float]]) -> dict[str, float]:
    """Return by how much of what it had at SETTLED, or at the first sample after it, each process has grown at most."""
    later: Sequence[dict[str, Any]] = [samples[cycle] for cycle in sorted(samples) if cycle >= SETTLED]
    if not later:
        return {}
    return {name: round(max(each[name] for each in later) / later[0][name] - 1, 3) for name in WATCHED}


if __name__ == "__main__":
    sys.exit(main())
