"""`python -m deployments.recover`: free what a crash has left, before a worker starts; `--beside-worker` once a server is back.

A run whose worker and process were killed stays Running at the server for good, and its slot keeps every later run of its
deployment from starting. Such a run is set to Crashed. A run whose process still lives is left to end by itself.

A cycle that ends while the server is away cannot say so, nor can its worker: its run, too, would stay Running until it is missed.
So a server that is started again is asked, beside its worker, which runs have no process any more.

What the schedule wanted while nothing ran is not caught up: a worker would take up to a hundred missed runs of each deployment at
once, and the server would be busy for minutes cancelling all but one. They are cancelled here; what a person asked for stays.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from arena.connections import is_loopback
from deployments.pools import POOL
from deployments.server import PrefectServer, prefect_server

UNFINISHED = ("PENDING", "RUNNING", "CANCELLING")  # what holds a slot
FLOW_RUN = "PREFECT__FLOW_RUN_ID"  # in the environment of a run's process
PATIENCE_SECONDS = 120.0  # a server needs 10 to start
SETTLED_SECONDS = 15.0  # in which a worker starts the process of a run that it has taken
BY_SCHEDULE = "auto-scheduled"  # Prefect's tag of a run that nobody asked for
MOST = 50  # that the server changes at once
CRASHED = {"type": "CRASHED", "name": "Crashed", "message": "Its process was gone."}
MISSED = {"type": "CANCELLED", "name": "Missed", "message": "Nothing ran at its time, and what is missed is not caught up."}


def flow_processes() -> Iterator[tuple[str, psutil.Process]]:
    """Yield the processes on this machine that belong to a flow run, with its id; those of other users cannot be seen."""
    for process in psutil.process_iter():
        try:
            run_id = process.environ().get(FLOW_RUN)
        except (psutil.Error, OSError):
            continue
        if run_id:
            yield run_id, process


def recover(server: PrefectServer, settled: timedelta = timedelta(0)) -> list[str]:
    """Set the pool's runs whose process is gone to Crashed, and return their names.

    Args:
        server: Asked and told.
        settled: For how long a run must have been in its state; a worker that is about to start its process must not lose it.

    Raises:
        httpx.HTTPError: The server failed.
    """
    living = {run_id for run_id, _ in flow_processes()}  # first: one that ends meanwhile is no longer unfinished
    latest = datetime.now(UTC) - settled
    unfinished = [
        run
        for run in _runs(server, state={"type": {"any_": UNFINISHED}})
        if datetime.fromisoformat(run["state"]["timestamp"]) <= latest
    ]
    gone = [run for run in unfinished if run["id"] not in living]
    _set(server, gone, CRASHED)
    return [str(run["name"]) for run in gone]


def let_go(server: PrefectServer, now: datetime) -> int:
    """Cancel what the schedule wanted before now and no worker has begun, and return how many runs these were.

    Raises:
        httpx.HTTPError: The server failed.
    """
    before, count = {"before_": now.isoformat()}, 0
    late = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": before, "tags": {"all_": [BY_SCHEDULE]}}
    while missed := _runs(server, **late):
        _set(server, missed, MISSED)
        count += len(missed)
    return count


def _runs(server: PrefectServer, **of: Any) -> list[dict[str, Any]]:
    """Return runs of the pool, as many as can be changed at once."""
    found: list[dict[str, Any]] = server.post(
        "/flow_runs/filter", flow_runs=of, work_pools={"name": {"any_": [POOL]}}, limit=MOST
    )
    return found


def _set(server: PrefectServer, runs: Sequence[Mapping[str, Any]], state: Mapping[str, str]) -> None:
    """Set runs to a state, whatever the server's rules say about the step."""
    if runs:
        server.post("/flow_runs/bulk_set_state", flow_runs={"id": {"any_": [run["id"] for run in runs]}}, state=state, force=True)


def wait_for(server: PrefectServer, seconds: float) -> bool:
    """Return whether the server is well within so many seconds."""
    deadline = time.monotonic() + seconds
    while not server.well():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def main() -> int:
    """Wait for the server, then recover; return 1 where it is not well in time, so that a supervisor tries again."""
    api_url = os.environ.get("PREFECT_API_URL", "")
    if not is_loopback(api_url):
        print("recover: PREFECT_API_URL names no server on this machine; whose runs it has cannot be seen from here")
        return 0
    with prefect_server(api_url) as server:
        if not wait_for(server, PATIENCE_SECONDS):
            print(f"recover: the server at {api_url} did not answer within {PATIENCE_SECONDS:.0f} s", file=sys.stderr)
            return 1
        if "--beside-worker" in sys.argv[1:]:
            time.sleep(SETTLED_SECONDS)
            names, missed = recover(server, timedelta(seconds=SETTLED_SECONDS)), 0
        else:
            names, missed = recover(server), let_go(server, datetime.now(UTC))
    if missed:
        print(f"recover: {missed} runs that were missed meanwhile are not caught up", flush=True)
    if names:
        print(f"recover: set to Crashed, since their processes were gone: {', '.join(names)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
