"""`make down`: no new runs, the cycle under way ends, and then everything does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import psutil

from deployments.recover import flow_processes, recover
from deployments.server import PrefectServer, prefect_server
from scripts.up.base import Base
from scripts.up.leftovers import end, started_from
from scripts.up.supervision import AWAY, Supervisor

CYCLE_SECONDS = 180  # a cycle may ask models for 90, and then has to book what it sent
SWEEP = "protection-sweep"  # looks until the next one begins, and can be ended at any time


def down(base: Base, say: Callable[[str], None]) -> int:
    """Stop everything, and return 0; a cycle that acts on the accounts is first let to its end.

    Raises:
        KeyboardInterrupt: While it waited for that cycle; the second call of the command does so again.
    """
    supervisor = Supervisor(base)
    if supervisor.pid() is None and not started_from(base):
        say("Nothing runs.")
        return 0
    if supervisor.pid() is not None:
        supervisor.stop("worker")
        _finish_runs(base, say)
    take_down(base, say)
    say("All of it is down. Positions keep their stops at the exchange; nobody looks after them until `make up`.")
    return 0


def take_down(base: Base, say: Callable[[str], None]) -> None:
    """End every process that was started from the directory."""
    supervisor = Supervisor(base)
    pid = supervisor.pid()
    if pid is not None:
        try:
            supervisor.shutdown()
            psutil.Process(pid).wait(60)
        except (psutil.Error, *AWAY):
            say("The supervisor did not end in time.")
    end(started_from(base))


def _finish_runs(base: Base, say: Callable[[str], None]) -> None:
    """Let the runs under way end, sweeps at once and others by themselves, and tell the server of those that could not."""
    try:
        with prefect_server(base.kept_ports().api_url) as server:
            runs = list(_under_way(base))
            names = {run_id: _deployment(server, run_id) for run_id, _ in runs}
            end(process for run_id, process in runs if names[run_id] == SWEEP)
            waiting = [process for run_id, process in runs if names[run_id] != SWEEP]
            if waiting:
                say(f"Waiting for {', '.join(sorted(set(names.values()) - {SWEEP}))} to end (at most {CYCLE_SECONDS} s) ...")
                psutil.wait_procs(waiting, timeout=CYCLE_SECONDS)
            end(process for _, process in _under_way(base))
            recover(server)
    except httpx.HTTPError as error:
        say(f"The Prefect server did not answer ({type(error).__name__}); the next `make up` sees to what it believes to run.")


def _under_way(base: Base) -> Iterator[tuple[str, psutil.Process]]:
    ours = {process.pid for process in started_from(base)}
    return ((run_id, process) for run_id, process in flow_processes() if process.pid in ours)


def _deployment(server: PrefectServer, run_id: str) -> str:
    """Return the name of a run's deployment."""
    run = server.get(f"/flow_runs/{run_id}")
    return str(server.get(f"/deployments/{run['deployment_id']}")["name"])
