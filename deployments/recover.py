"""`python -m deployments.recover`: free what a crash has left, before a worker starts on this machine.

A run whose worker and process were killed stays Running at the server for good, and its slot keeps every later run of its
deployment from starting. Such a run is set to Crashed. A run whose process still lives is left to end by itself.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import httpx
import psutil

from arena.connections import is_loopback
from deployments.apply import POOL

UNFINISHED = ("PENDING", "RUNNING", "CANCELLING")  # what holds a slot
FLOW_RUN = "PREFECT__FLOW_RUN_ID"  # in the environment of a run's process
PATIENCE_SECONDS = 120.0  # a server needs 10 to start
MESSAGE = "Its process was gone when the worker started."


def flow_processes() -> Iterator[tuple[str, psutil.Process]]:
    """Yield the processes on this machine that belong to a flow run, with its id; those of other users cannot be seen."""
    for process in psutil.process_iter():
        try:
            run_id = process.environ().get(FLOW_RUN)
        except (psutil.Error, OSError):
            continue
        if run_id:
            yield run_id, process


def recover(http: httpx.Client) -> list[str]:
    """Set the pool's runs whose process is gone to Crashed, and return their names.

    Only while no worker of the pool runs: one that is about to start a process would lose it.

    Raises:
        httpx.HTTPError: The server failed.
    """
    living = {run_id for run_id, _ in flow_processes()}  # first: one that ends meanwhile is no longer unfinished
    wanted = {"flow_runs": {"state": {"type": {"any_": UNFINISHED}}}, "work_pools": {"name": {"any_": [POOL]}}}
    runs = http.post("/flow_runs/filter", json=wanted).raise_for_status().json()
    gone = [run for run in runs if run["id"] not in living]
    crashed = {"type": "CRASHED", "name": "Crashed", "message": MESSAGE}
    for run in gone:
        http.post(f"/flow_runs/{run['id']}/set_state", json={"state": crashed, "force": True}).raise_for_status()
    return [str(run["name"]) for run in gone]


def wait_for_server(http: httpx.Client, seconds: float) -> bool:
    """Return whether the server is well within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if http.get("/health").status_code == httpx.codes.OK:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    return False


def main() -> int:
    """Wait for the server, then recover; return 1 where it is not well in time, so that a supervisor tries again."""
    api_url = os.environ.get("PREFECT_API_URL", "")
    if not is_loopback(api_url):
        print("recover: PREFECT_API_URL names no server on this machine; whose runs it has cannot be seen from here")
        return 0
    with httpx.Client(base_url=api_url, timeout=30, trust_env=False) as http:
        if not wait_for_server(http, PATIENCE_SECONDS):
            print(f"recover: the server at {api_url} did not answer within {PATIENCE_SECONDS:.0f} s", file=sys.stderr)
            return 1
        names = recover(http)
    if names:
        print(f"recover: set to Crashed, since their processes were gone: {', '.join(names)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
