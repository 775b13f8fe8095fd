"""A season under `make up` in a directory of its own, and what can be killed of it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from deployments.recover import flow_processes
from scripts.environment import without_settings
from scripts.processes import free_port, python
from scripts.up.base import PROJECT, Base, Ports
from scripts.up.leftovers import end, started_from
from scripts.up.supervision import Supervisor

VICTIMS = ("worker", "flow", "server")
START_SECONDS = 240
SHUTDOWN_SECONDS = 240


class Season:
    """A rehearsal of `make up`; everything of it is below one directory."""

    def __init__(self, directory: Path, interval_seconds: int) -> None:
        self.base = Base(directory)
        self.interval_seconds = interval_seconds
        own = {"UP_DIR": str(directory), "PYTHONPATH": str(PROJECT), "LLM_DECISION_INTERVAL_SECONDS": str(interval_seconds)}
        self.environ = {**without_settings(os.environ), **own}

    def make(self, *arguments: str, seconds: float = START_SECONDS) -> None:
        """Run what `make up` and `make down` run.

        Raises:
            RuntimeError: It failed.
        """
        command = python("-m", "scripts.up", *arguments)
        done = subprocess.run(
            command,
            cwd=self.base.directory.parent,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")

    def arena(self, *arguments: str) -> tuple[int, str]:
        """Run an `arena` command on the season."""
        environ = {**self.environ, "ARENA_ENV_FILE": str(self.base.directory / "arena.env"), "NO_PROXY": "127.0.0.1"}
        command = python("-m", "arena.cli", *arguments)
        done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

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

    def last_words(self) -> str:
        """Return how all of it stands, and the end of each log."""
        status = subprocess.run(
            python("-m", "scripts.up", "status"),
            cwd=self.base.directory.parent,
            env=self.environ,
            capture_output=True,
            check=False,
        )
        logs = (f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(self.base.logs.glob("*.log")))
        return status.stdout.decode() + "".join(logs)

    def kill(self, victim: str, patience: float) -> bool:
        """Kill -9 a program or the trading cycle's process, which may not be there; return whether it was."""
        deadline = time.monotonic() + patience
        while not (found := self._found(victim)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return True

    def _found(self, victim: str) -> list[psutil.Process]:
        if victim == "flow":
            state = {"type": {"any_": ["RUNNING"]}}
            wanted = {"deployments": {"name": {"any_": ["trading-cycle"]}}, "flow_runs": {"state": state}}
            cycles = {run["id"] for run in self.api("/flow_runs/filter", wanted)}
            return [process for run_id, process in flow_processes() if run_id in cycles]
        name = "prefect-server" if victim == "server" else victim
        pids = [each["pid"] for each in Supervisor(self.base).processes() if each["name"] == name and each["pid"]]
        with suppress(psutil.NoSuchProcess):
            return [child for pid in pids for child in (psutil.Process(pid), *_own_children(pid, victim))]
        return []

    def api(self, path: str, body: dict[str, Any]) -> Any:
        """Ask Prefect's server."""
        answer = httpx.post(f"{self.base.kept_ports().api_url}{path}", json=body, timeout=30, trust_env=False)
        return answer.raise_for_status().json()

    def simulator(self, path: str) -> Any:
        """Ask the simulator."""
        lines = (self.base.directory / "arena.env").read_text().splitlines()
        url = next(line.partition("=")[2] for line in lines if line.startswith("BINANCE_TESTNET_BASE_URL="))
        return httpx.get(f"{url}{path}", timeout=60, trust_env=False).raise_for_status().json()


@contextmanager
def running(directory: Path, interval_seconds: int) -> Iterator[Season]:
    """Yield a season that runs; at the end nothing of it does."""
    directory.mkdir(parents=True)
    season = Season(directory, interval_seconds)
    ports = Ports(prefect=free_port(), worker=free_port(), dashboard=free_port())
    season.base.ports_file.write_text(json.dumps(asdict(ports)))
    try:
        season.make()
        yield season
        season.make("down", seconds=SHUTDOWN_SECONDS)
    finally:
        end(started_from(season.base))
        shutil.rmtree(PROJECT / "runs" / directory.name, ignore_errors=True)  # the worker runs where the project is


def _own_children(pid: int, victim: str) -> list[psutil.Process]:
    """Return a server's own children; a worker's are the flows, which go on when it dies."""
    return psutil.Process(pid).children(recursive=True) if victim == "server" else []
