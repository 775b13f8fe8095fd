"""A season under `make up` in a directory of its own, and what can be killed of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

import httpx
import psutil

from deployments.recover import flow_processes
from deployments.server import prefect_server
from scripts.up.supervision import Supervisor
from tests.fakes.house import House

VICTIMS = ("worker", "flow", "server")


class Season(House):
    """A rehearsal of `make up`; everything of it is below one directory."""

    def cycles(self) -> list[tuple[int, str, datetime]]:
        """Return number, status and beginning of every cycle that was begun."""
        with closing(sqlite3.connect(f"file:{self.base.directory / 'arena.sqlite'}?mode=ro", uri=True, timeout=10)) as books:
            found = books.execute("SELECT number, status, scheduled_at FROM cycles ORDER BY number").fetchall()
        return [(number, status, datetime.fromisoformat(at)) for number, status, at in found]

    def booked(self) -> int:
        """Return how many cycles are booked."""
        with suppress(sqlite3.OperationalError):  # not made yet
            return sum(status == "booked" for _, status, _ in self.cycles())
        return 0

    def runs(self, deployment: str, state: str) -> list[str]:
        """Return the ids of a deployment's runs in a state."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}, "flow_runs": {"state": {"type": {"any_": [state]}}}}
        with prefect_server(self.base.kept_ports().api_url) as server:
            return [run["id"] for run in server.post("/flow_runs/filter", **wanted)]

    def there(self, victim: str, patience: float) -> list[psutil.Process]:
        """Return a program's processes, or the trading cycle's; none where they do not come in so many seconds."""
        deadline = time.monotonic() + patience
        while not (found := self._found(victim)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def kill(self, victim: str, patience: float) -> bool:
        """Kill -9 a program, or the trading cycle's process; return whether it was there, or came in so many seconds."""
        found = self.there(victim, patience)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return bool(found)

    def _found(self, victim: str) -> list[psutil.Process]:
        if victim == "flow":
            with suppress(httpx.HTTPError):  # the server may be the last victim, and not back yet
                cycles = set(self.runs("trading-cycle", "RUNNING"))
                return [process for run_id, process in flow_processes() if run_id in cycles]
            return []
        name = "prefect-server" if victim == "server" else victim
        pids = [each["pid"] for each in Supervisor(self.base).processes() if each["name"] == name and each["pid"]]
        with suppress(psutil.NoSuchProcess):
            return [child for pid in pids for child in (psutil.Process(pid), *_own_children(pid, victim))]
        return []


@contextmanager
def running(directory: Path, interval_seconds: int) -> Iterator[Season]:
    """Yield a season that runs; at the end nothing of it does."""
    season = Season(directory, interval_seconds)
    try:
        season.run()
        yield season
        season.run("down")
    finally:
        season.clear()


def _own_children(pid: int, victim: str) -> list[psutil.Process]:
    """Return a server's own children; a worker's are the flows, which go on when it dies."""
    return psutil.Process(pid).children(recursive=True) if victim == "server" else []
